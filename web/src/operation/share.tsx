import { useState } from 'preact/hooks';
import type { Operation } from '../api/v1alpha1';
import { t } from '../lang';
import { Icon } from '../parts/icon';
import { to } from '../route';

/** A link for a colleague, and paper. */
export function Share({ op }: { op: Operation }) {
  const [done, setDone] = useState<boolean>();
  const share = async () => {
    try {
      await navigator.clipboard.writeText(`${location.origin}${to.operation(op.metadata.namespace, op.metadata.name)}`);
      setDone(true);
    } catch {
      setDone(false);
    }
    setTimeout(() => setDone(undefined), 2_000);
  };
  return (
    <div class="share">
      <button type="button" class="btn small" onClick={share}>
        <Icon name="link" size={14} />
        <span aria-live="polite">{done === undefined ? t('op.share') : done ? t('action.copied') : t('action.copyFailed')}</span>
      </button>
      <button type="button" class="btn small" onClick={() => window.print()}>
        <Icon name="print" size={14} />
        {t('op.print')}
      </button>
    </div>
  );
}

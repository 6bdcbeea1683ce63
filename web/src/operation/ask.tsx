import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { missing, useAccess } from '../api/access';
import { asCommand, plan, type Request } from '../api/operations';
import type { OperationType } from '../api/v1alpha1';
import { t } from '../lang';
import { Copyable, Dialog, Field } from '../parts/dialog';
import { go, to } from '../route';

interface Asked {
  cluster: string;
  type: OperationType;
  nodes: readonly string[];
}

const asked = signal<Asked | undefined>(undefined);

/** Opens the dialog that asks for a plan of this type for these nodes. */
export function askFor(what: Asked): void {
  asked.value = what;
}

export function AskDialog() {
  const what = asked.value;
  return what ? <Ask key={`${what.cluster}/${what.type}/${what.nodes.join()}`} what={what} onClose={() => (asked.value = undefined)} /> : null;
}

/** What to plan, with the options that are a choice beforehand; ways round blockers are offered once blockers are known. */
function Ask({ what, onClose }: { what: Asked; onClose: () => void }) {
  const { cluster, type, nodes } = what;
  const access = useAccess(cluster);
  const [wait, setWait] = useState(false);
  const [grace, setGrace] = useState('');
  const [timeout, setTimeout_] = useState('');

  const whole = (s: string) => (/^\d+$/.test(s) ? Number(s) : undefined);
  const bad = [grace, timeout].some((s) => s !== '' && whole(s) === undefined);
  const request = (): Request => {
    const list = [...nodes];
    if (type === 'Cordon') return { type, cordon: { nodes: list } };
    if (type === 'Uncordon') return { type, uncordon: { nodes: list } };
    const minutes = whole(timeout);
    return {
      type,
      drain: {
        nodes: list,
        ...(wait && { wait }),
        ...(whole(grace) !== undefined && { gracePeriodSeconds: whole(grace) }),
        ...(minutes !== undefined && { timeoutSeconds: minutes * 60 }),
      },
    };
  };

  return (
    <Dialog
      title={t(`ask.${type}`, { n: nodes.length })}
      onClose={onClose}
      submit={{
        label: t('ask.plan'),
        why: missing(access, 'create', 'operations', cluster) ?? (bad ? t('ask.whole') : undefined),
        run: async () => {
          const op = await plan(cluster, request());
          onClose();
          go(to.operation(cluster, op.metadata.name));
        },
      }}
    >
      <p class="targets">
        {nodes.map((n) => (
          <code class="name pill" key={n}>
            {n}
          </code>
        ))}
        <span class="of">{t('ask.of', { cluster })}</span>
      </p>
      <p>{t(`ask.${type}.text`)}</p>
      {type === 'Drain' && (
        <details class="more">
          <summary>{t('ask.options')}</summary>
          <label class="check">
            <input type="checkbox" checked={wait} onChange={(e) => setWait(e.currentTarget.checked)} />
            <span>
              {t('ask.wait')}
              <small class="hint">{t('ask.wait.hint')}</small>
            </span>
          </label>
          <div class="fields">
            <Field label={t('ask.grace')} hint={t('ask.grace.hint')}>
              {(id, hint) => <input id={id} inputMode="numeric" aria-describedby={hint} value={grace} onInput={(e) => setGrace(e.currentTarget.value.trim())} />}
            </Field>
            <Field label={t('ask.timeout')} hint={t('ask.timeout.hint')}>
              {(id, hint) => <input id={id} inputMode="numeric" aria-describedby={hint} value={timeout} onInput={(e) => setTimeout_(e.currentTarget.value.trim())} />}
            </Field>
          </div>
        </details>
      )}
      <p class="hint">{t('ask.same')}</p>
      <Copyable value={asCommand(cluster, request())} />
    </Dialog>
  );
}

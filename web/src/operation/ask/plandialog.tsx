import type { ComponentChildren } from 'preact';
import { missing, useAccess } from '../../api/access';
import { asCommand, plan, type Request } from '../../api/operations';
import { t } from '../../lang';
import { Copyable, Dialog } from '../../parts/dialog';
import { go, to } from '../../route';

interface Props {
  cluster: string;
  title: string;
  /** What the request names; empty for the whole cluster, which the title names. */
  targets: readonly string[];
  text: string;
  request: () => Request;
  /** Why there is nothing to plan yet. */
  why?: string | undefined;
  wide?: boolean;
  onClose: () => void;
  children?: ComponentChildren;
}

/** The frame of every request: what it is about, what it does, its options, and the command that asks for the same. It only plans. */
export function PlanDialog({ cluster, title, targets, text, request, why, wide, onClose, children }: Props) {
  const access = useAccess(cluster);
  return (
    <Dialog
      title={title}
      onClose={onClose}
      {...(wide && { wide })}
      submit={{
        label: t('ask.plan'),
        why: missing(access, 'create', 'operations', cluster) ?? why,
        run: async () => {
          const op = await plan(cluster, request());
          onClose();
          go(to.operation(cluster, op.metadata.name));
        },
      }}
    >
      {targets.length > 0 && (
        <p class="targets">
          {targets.map((n) => (
            <code class="name pill" key={n}>
              {n}
            </code>
          ))}
          <span class="of">{t('ask.of', { cluster })}</span>
        </p>
      )}
      <p>{text}</p>
      {children}
      <p class="hint">{t('ask.same')}</p>
      <Copyable value={asCommand(cluster, request())} />
    </Dialog>
  );
}

/** A choice that is on or off, with what it means. */
export function Check({ label, hint, value, onChange }: { label: string; hint?: string; value: boolean; onChange: (on: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={value} onChange={(e) => onChange(e.currentTarget.checked)} />
      <span>
        {label}
        {hint && <small class="hint">{hint}</small>}
      </span>
    </label>
  );
}

/** A whole number that was typed; undefined when it is none. */
export function whole(typed: string): number | undefined {
  return /^\d{1,9}$/.test(typed) ? Number(typed) : undefined;
}

/** The words of a field that takes several, one per line or with spaces between. */
export function wordsOf(typed: string): string[] {
  return [...new Set(typed.split(/[\s,]+/).filter(Boolean))];
}

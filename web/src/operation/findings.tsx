import { useState } from 'preact/hooks';
import { missing, useAccess } from '../api/access';
import { cancel, plan, withWay } from '../api/operations';
import { session } from '../api/session';
import type { Finding, Operation, Way } from '../api/v1alpha1';
import { t } from '../lang';
import { Action } from '../parts/button';
import { Dialog, TypeName } from '../parts/dialog';
import { bySeverity, FindingRow } from '../parts/finding';
import { Panel } from '../parts/facts';
import { go, to } from '../route';
import { isOver, phaseOf } from './state';
import { wayLabel, wayText } from './words';

const few = 8;

/** What the plan found, gravest first. A blocker's ways round are buttons: each asks for a new plan that takes this way. */
export function Findings({ op }: { op: Operation }) {
  const cluster = op.metadata.namespace;
  const access = useAccess(cluster);
  const [way, setWay] = useState<Way>();
  const [all, setAll] = useState(false);
  const findings = [...(op.status?.plan?.findings ?? [])].sort(bySeverity);
  const why = missing(access, 'create', 'operations', cluster);
  const open = !isOver(op) && phaseOf(op) === 'Planned';

  const take = async (chosen: Way) => {
    const next = await plan(cluster, withWay(op.spec, chosen));
    if (op.spec.requestedBy === session.value?.user) {
      // The blocked plan can never run: it need not wait in the list. That it stays if this fails does no harm.
      await cancel(op).catch(() => undefined);
    }
    go(to.operation(cluster, next.metadata.name));
  };
  const press = async (chosen: Way) => {
    if (chosen.code === 'delete') setWay(chosen);
    else await take(chosen);
  };

  return (
    <Panel>
      <ul class="findings">
        {(all ? findings : findings.slice(0, few)).map((f, i) => (
          <FindingRow key={`${f.code}/${f.object}/${i}`} cluster={cluster} finding={f}>
            {open && f.ways && f.ways.length > 0 && <Ways finding={f} why={why} take={press} />}
          </FindingRow>
        ))}
      </ul>
      {findings.length > few && !all && (
        <button type="button" class="more-rows" onClick={() => setAll(true)}>
          {t('list.showAll', { n: findings.length })}
        </button>
      )}
      {way && <DeleteDialog way={way} onClose={() => setWay(undefined)} take={take} />}
    </Panel>
  );
}

function Ways({ finding, why, take }: { finding: Finding; why: string | undefined; take: (way: Way) => Promise<void> }) {
  return (
    <div class="ways">
      <span class="ways-label">{t('op.ways')}</span>
      {finding.ways?.map((w) => (
        <Action key={w.flag} small kind={w.code === 'delete' ? 'danger' : 'plain'} why={why} onClick={() => take(w)}>
          <span title={wayText(w)}>{wayLabel(w)}</span>
        </Action>
      ))}
    </div>
  );
}

/** Deleting passes by the budgets: the pod's name is typed before it is even planned. */
function DeleteDialog({ way, onClose, take }: { way: Way; onClose: () => void; take: (way: Way) => Promise<void> }) {
  const [typed, setTyped] = useState('');
  const name = way.value ?? '';
  return (
    <Dialog
      title={t('delete.title', { name })}
      onClose={onClose}
      submit={{
        label: t('ask.plan'),
        kind: 'danger',
        why: typed.trim() === name ? undefined : t('approve.typeFirst', { name }),
        run: () => take(way),
      }}
    >
      <p>{t('delete.text')}</p>
      <TypeName name={name} value={typed} onInput={setTyped} />
    </Dialog>
  );
}

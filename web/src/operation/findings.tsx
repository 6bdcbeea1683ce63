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
    if (isGrave(chosen)) setWay(chosen);
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
      {way && <GraveDialog way={way} onClose={() => setWay(undefined)} take={take} />}
    </Panel>
  );
}

function Ways({ finding, why, take }: { finding: Finding; why: string | undefined; take: (way: Way) => Promise<void> }) {
  return (
    <div class="ways">
      <span class="ways-label">{t('op.ways')}</span>
      {finding.ways?.map((w) => (
        <Action key={w.flag} small kind={isGrave(w) ? 'danger' : 'plain'} why={why} onClick={() => take(w)}>
          <span title={wayText(w)}>{wayLabel(w)}</span>
        </Action>
      ))}
    </div>
  );
}

/** Ways that pass by a protection: a name is typed before they are even planned. */
function isGrave(way: Way): boolean {
  return way.field === 'delete' || way.field === 'acceptSplitBrain';
}

/** Deleting passes by the budgets, the acceptance by the proof that a machine is off. */
function GraveDialog({ way, onClose, take }: { way: Way; onClose: () => void; take: (way: Way) => Promise<void> }) {
  const [typed, setTyped] = useState('');
  const name = way.value ?? '';
  const brain = way.field === 'acceptSplitBrain';
  return (
    <Dialog
      title={t(brain ? 'accept.title' : 'delete.title', { name })}
      onClose={onClose}
      submit={{
        label: t('ask.plan'),
        kind: 'danger',
        why: typed.trim() === name ? undefined : t('approve.typeFirst', { name }),
        run: () => take(way),
      }}
    >
      <p>{t(brain ? 'accept.text' : 'delete.text', { name })}</p>
      <TypeName name={name} value={typed} onInput={setTyped} {...(brain && { label: t('removeNode.accept') })} />
    </Dialog>
  );
}

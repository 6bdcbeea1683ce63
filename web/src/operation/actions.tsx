import { useState } from 'preact/hooks';
import { missing, useAccess } from '../api/access';
import { approve, cancel, inverse, nodesOf, pause, plan, requestOf, resume } from '../api/operations';
import { session } from '../api/session';
import type { Operation } from '../api/v1alpha1';
import { t } from '../lang';
import { Action } from '../parts/button';
import { Dialog } from '../parts/dialog';
import { go, to } from '../route';
import { ApproveDialog } from './approve';
import { askFor } from './ask';
import { blockersOf, isOver, phaseOf, titleOf } from './state';

/** What can be done with the operation now; what cannot says why. */
export function OperationActions({ op, changed }: { op: Operation; changed: (op: Operation) => void }) {
  const cluster = op.metadata.namespace;
  const access = useAccess(cluster);
  const [open, setOpen] = useState<'approve' | 'cancel'>();
  const phase = phaseOf(op);
  const mine = op.spec.requestedBy === session.value?.user;
  const mayApprove = missing(access, 'approve', 'operations', cluster);
  const mayPatch = missing(access, 'patch', 'operations', cluster);
  const maySwitch = mayPatch ?? (mine ? undefined : mayApprove);
  const close = () => setOpen(undefined);

  return (
    <>
      {phase === 'Planned' && (
        <Action kind="primary" why={mayApprove ?? mayPatch ?? whyNotApprove(op)} onClick={() => setOpen('approve')}>
          {t('op.approve')}
        </Action>
      )}
      {phase === 'Planned' && <PlanAgain op={op} why={missing(access, 'create', 'operations', cluster)} />}
      {phase === 'Running' && !op.spec.paused && (
        <Action why={maySwitch ?? (op.spec.cancelled ? t('op.whyCancelled') : undefined)} onClick={async () => changed(await pause(op))}>
          {t('op.pause')}
        </Action>
      )}
      {(phase === 'Paused' || (phase === 'Running' && op.spec.paused)) && (
        <Action kind="primary" why={maySwitch ?? (op.spec.cancelled ? t('op.whyCancelled') : undefined)} onClick={async () => changed(await resume(op))}>
          {t('op.resume')}
        </Action>
      )}
      {!isOver(op) && phase !== 'Cancelling' && (
        <Action why={maySwitch ?? (op.spec.cancelled ? t('op.whyCancelled') : undefined)} onClick={() => setOpen('cancel')}>
          {phase === 'Planned' || phase === 'Pending' ? t('op.discard') : t('op.cancel')}
        </Action>
      )}
      {phase === 'Cancelling' && (
        <Action why={t('op.whyUndoing')} onClick={() => undefined}>
          {t('op.cancel')}
        </Action>
      )}
      {isOver(op) && <After op={op} why={missing(access, 'create', 'operations', cluster)} />}
      {open === 'approve' && <ApproveDialog op={op} onClose={close} approve={async (digest) => changed(await approve(op, digest))} />}
      {open === 'cancel' && <CancelDialog op={op} onClose={close} changed={changed} />}
    </>
  );
}

function whyNotApprove(op: Operation): string | undefined {
  const blockers = blockersOf(op);
  if (blockers.length > 0) return t('op.whyBlocked', { n: blockers.length });
  if (!op.status?.plan) return t('op.whyNoPlan');
  if (op.spec.approvedPlan) return t('op.whyApproved');
  return undefined;
}

function PlanAgain({ op, why }: { op: Operation; why: string | undefined }) {
  const cluster = op.metadata.namespace;
  return (
    <Action
      why={why}
      onClick={async () => {
        const next = await plan(cluster, requestOf(op.spec));
        go(to.operation(cluster, next.metadata.name));
      }}
    >
      {t('op.planAgain')}
    </Action>
  );
}

/** What follows: the inverse of what was done, or another try at what was not. */
function After({ op, why }: { op: Operation; why: string | undefined }) {
  const cluster = op.metadata.namespace;
  const undo = inverse(op.spec);
  if (phaseOf(op) !== 'Succeeded') return <PlanAgain op={op} why={why} />;
  if (!undo) return null;
  return (
    <Action why={why} onClick={() => (undo.type === 'Start' ? askFor({ cluster, type: 'Start' }) : askFor({ cluster, type: undo.type, nodes: nodesOf(undo) }))}>
      {t(`op.inverse.${undo.type}`)}
    </Action>
  );
}

function CancelDialog({ op, onClose, changed }: { op: Operation; onClose: () => void; changed: (op: Operation) => void }) {
  const untouched = phaseOf(op) === 'Planned' || phaseOf(op) === 'Pending';
  return (
    <Dialog
      title={untouched ? t('cancel.discardTitle') : t('cancel.title')}
      onClose={onClose}
      submit={{
        label: untouched ? t('cancel.discard') : t('cancel.undo'),
        kind: untouched ? 'primary' : 'danger',
        run: async () => {
          changed(await cancel(op));
          onClose();
        },
      }}
    >
      <p>
        <b>{titleOf(op)}</b> · <span class="name">{op.metadata.namespace}</span>
      </p>
      <p>{untouched ? t('cancel.discardText') : t(op.spec.type === 'Drain' ? 'cancel.text' : 'cancel.textOther')}</p>
    </Dialog>
  );
}

import { useState } from 'preact/hooks';
import { session } from '../api/session';
import type { Operation } from '../api/v1alpha1';
import { seconds } from '../format';
import { said, t } from '../lang';
import { Dialog, TypeName } from '../parts/dialog';
import { Details } from '../parts/facts';
import { countOf, isDestructive, phaseOf, stepTitle, targetText } from './state';

interface Props {
  op: Operation;
  onClose: () => void;
  approve: (digest: string) => Promise<void>;
}

/** The approval: exactly this plan, by this person, on these nodes. It is bound to the digest that was on screen when it opened. */
export function ApproveDialog({ op, onClose, approve }: Props) {
  const [plan] = useState(op.status?.plan);
  const [typed, setTyped] = useState('');
  if (!plan) return null;
  const target = targetText(op);
  const destructive = isDestructive(op, plan);
  const changed = op.status?.plan?.digest !== plan.digest || phaseOf(op) !== 'Planned';
  const warnings = (plan.findings ?? []).filter((f) => f.severity === 'warning').length;
  const noReturn = plan.steps?.find((s) => s.id === plan.pointOfNoReturn);
  const why = changed ? t('approve.changed') : destructive && typed.trim() !== target ? t('approve.typeFirst', { name: target }) : undefined;
  return (
    <Dialog
      title={t('approve.title')}
      onClose={onClose}
      submit={{
        label: t('approve.run'),
        kind: destructive ? 'danger' : 'primary',
        why,
        run: async () => {
          await approve(plan.digest);
          onClose();
        },
      }}
    >
      <p class="digest" title={t('approve.digest')}>
        <code>{plan.digest}</code>
      </p>
      <p>{t('approve.text')}</p>
      <Details
        rows={[
          [t('approve.does'), `${said('type', op.spec.type, {}, op.spec.type)} ${target}`],
          [t('cluster.name'), <span class="name">{op.metadata.namespace}</span>],
          [t('approve.by'), <span class="name">{session.value?.user}</span>],
          countOf(plan, 'leave') !== undefined && [t('op.leave'), countOf(plan, 'leave')],
          [t('op.forecast'), t('approve.forecast', { t: seconds(plan.forecast.seconds), most: seconds(plan.forecast.atMostSeconds) })],
          [t('op.ponr'), noReturn ? <b class="crit">{stepTitle(noReturn)}</b> : t('op.none')],
          warnings > 0 && [t('op.findings'), <span class="warn">{t('approve.warnings', { n: warnings })}</span>],
        ]}
      />
      {changed && (
        <p class="notice warn" role="status">
          {t('approve.changed')}
        </p>
      )}
      {destructive && !changed && <TypeName name={target} value={typed} onInput={setTyped} />}
    </Dialog>
  );
}

import { useState } from 'preact/hooks';
import type { Request } from '../../api/operations';
import type { RestartWhat } from '../../api/v1alpha1';
import { t } from '../../lang';
import { Field } from '../../parts/dialog';
import { Check, PlanDialog, whole } from './plandialog';

interface Props {
  cluster: string;
  nodes: readonly string[];
  onClose: () => void;
}

/** Cordon and uncordon have no options. */
export function AskCordon({ cluster, nodes, type, onClose }: Props & { type: 'Cordon' | 'Uncordon' }) {
  const list = [...nodes];
  const request = (): Request => (type === 'Cordon' ? { type, cordon: { nodes: list } } : { type, uncordon: { nodes: list } });
  return <PlanDialog cluster={cluster} title={t(`ask.${type}`, { n: nodes.length })} targets={nodes} text={t(`ask.${type}.text`)} request={request} onClose={onClose} />;
}

/** A drain, with the options that are a choice beforehand; ways round blockers are offered once blockers are known. */
export function AskDrain({ cluster, nodes, onClose }: Props) {
  const [wait, setWait] = useState(false);
  const [grace, setGrace] = useState('');
  const [minutes, setMinutes] = useState('');
  const bad = [grace, minutes].some((s) => s !== '' && whole(s) === undefined);
  const request = (): Request => {
    const [seconds, limit] = [whole(grace), whole(minutes)];
    return {
      type: 'Drain',
      drain: {
        nodes: [...nodes],
        ...(wait && { wait }),
        ...(seconds !== undefined && { gracePeriodSeconds: seconds }),
        ...(limit !== undefined && { timeoutSeconds: limit * 60 }),
      },
    };
  };
  return (
    <PlanDialog cluster={cluster} title={t('ask.Drain', { n: nodes.length })} targets={nodes} text={t('ask.Drain.text')} request={request} why={bad ? t('ask.whole') : undefined} onClose={onClose}>
      <details class="more">
        <summary>{t('ask.options')}</summary>
        <Check label={t('ask.wait')} hint={t('ask.wait.hint')} value={wait} onChange={setWait} />
        <div class="fields">
          <Field label={t('ask.grace')} hint={t('ask.grace.hint')}>
            {(id, hint) => <input id={id} inputMode="numeric" aria-describedby={hint} value={grace} onInput={(e) => setGrace(e.currentTarget.value.trim())} />}
          </Field>
          <Field label={t('ask.timeout')} hint={t('ask.timeout.hint')}>
            {(id, hint) => <input id={id} inputMode="numeric" aria-describedby={hint} value={minutes} onInput={(e) => setMinutes(e.currentTarget.value.trim())} />}
          </Field>
        </div>
      </details>
    </PlanDialog>
  );
}

const kinds: readonly RestartWhat[] = ['Reboot', 'Runtime', 'Kubelet'];

/** A rolling restart: control planes one by one, workers as many at a time as is said here. */
export function AskRestart({ cluster, nodes, onClose }: Props) {
  const [what, setWhat] = useState<RestartWhat>('Reboot');
  const [atOnce, setAtOnce] = useState('1');
  const [skipDrain, setSkipDrain] = useState(false);
  const n = whole(atOnce);
  const bad = n === undefined || n < 1 || n > 200;
  const request = (): Request => ({
    type: 'Restart',
    restart: { nodes: [...nodes], what, ...(n !== undefined && n > 1 && { maxUnavailable: n }), ...(skipDrain && { skipDrain }) },
  });
  return (
    <PlanDialog cluster={cluster} title={t('ask.Restart', { n: nodes.length })} targets={nodes} text={t('ask.Restart.text')} request={request} why={bad ? t('restart.atOnceBad') : undefined} onClose={onClose}>
      <div class="fields">
        <Field label={t('restart.what')} hint={t(`restart.${what}.hint`)}>
          {(id, hint) => (
            <select id={id} aria-describedby={hint} value={what} onChange={(e) => setWhat(e.currentTarget.value as RestartWhat)}>
              {kinds.map((k) => (
                <option key={k} value={k}>
                  {t(`restart.${k}`)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={t('restart.atOnce')} hint={t('restart.atOnce.hint')}>
          {(id, hint) => <input id={id} inputMode="numeric" aria-describedby={hint} value={atOnce} onInput={(e) => setAtOnce(e.currentTarget.value.trim())} />}
        </Field>
      </div>
      <Check label={t('restart.skipDrain')} hint={t('restart.skipDrain.hint')} value={skipDrain} onChange={setSkipDrain} />
    </PlanDialog>
  );
}

import { useState } from 'preact/hooks';
import type { Request } from '../../api/operations';
import { t } from '../../lang';
import { Field } from '../../parts/dialog';
import { Check, PlanDialog, wordsOf } from './plandialog';

interface Props {
  cluster: string;
  onClose: () => void;
}

const workload = /^(Deployment|StatefulSet)\/[^/]+\/[^/]+$/;
const webhook = /^(Validating|Mutating)WebhookConfiguration\/[^/]+$/;

/** The whole cluster down in order, so that it comes back as it was. */
export function AskStop({ cluster, onClose }: Props) {
  const [powerOff, setPowerOff] = useState(false);
  const [drain, setDrain] = useState(false);
  const [until, setUntil] = useState('');
  const [tiers, setTiers] = useState('');
  const [webhooks, setWebhooks] = useState('');

  const scaleDown = tiers
    .split('\n')
    .map((line) => ({ workloads: wordsOf(line) }))
    .filter((tier) => tier.workloads.length > 0);
  const suspend = wordsOf(webhooks);
  const badWorkload = scaleDown.flatMap((tier) => tier.workloads).find((w) => !workload.test(w));
  const why = badWorkload ? t('stop.tierBad', { what: badWorkload }) : until !== '' && Date.parse(until) < Date.now() ? t('stop.untilPast') : badWebhook(suspend);
  const request = (): Request => ({
    type: 'Stop',
    stop: {
      ...(scaleDown.length > 0 && { scaleDown }),
      ...(drain && { drain }),
      ...(powerOff && { powerOff }),
      ...(until !== '' && { until: new Date(until).toISOString().replace(/\.\d+Z$/, 'Z') }),
      ...(suspend.length > 0 && { suspendWebhooks: suspend }),
    },
  });
  return (
    <PlanDialog cluster={cluster} title={t('ask.Stop', { cluster })} targets={[]} text={t('ask.Stop.text')} request={request} why={why} onClose={onClose}>
      <Field label={t('stop.until')} hint={t('stop.until.hint')}>
        {(id, hint) => <input id={id} type="datetime-local" aria-describedby={hint} value={until} onInput={(e) => setUntil(e.currentTarget.value)} />}
      </Field>
      <div>
        <Check label={t('stop.powerOff')} hint={t('stop.powerOff.hint')} value={powerOff} onChange={setPowerOff} />
        <Check label={t('stop.drain')} hint={t('stop.drain.hint')} value={drain} onChange={setDrain} />
      </div>
      <details class="more">
        <summary>{t('ask.options')}</summary>
        <div class="stack">
          <Field label={t('stop.tiers')} hint={t('stop.tiers.hint')}>
            {(id, hint) => (
              <textarea id={id} class="name" rows={3} spellcheck={false} aria-describedby={hint} placeholder={'Deployment/shop/web Deployment/shop/cart\nStatefulSet/data/db'} value={tiers} onInput={(e) => setTiers(e.currentTarget.value)} />
            )}
          </Field>
          <Webhooks value={webhooks} onInput={setWebhooks} />
        </div>
      </details>
    </PlanDialog>
  );
}

/** The whole cluster up in order, from whatever state its machines are in. */
export function AskStart({ cluster, onClose }: Props) {
  const [without, setWithout] = useState('');
  const [webhooks, setWebhooks] = useState('');
  const [broken, suspend] = [wordsOf(without), wordsOf(webhooks)];
  const request = (): Request => ({
    type: 'Start',
    start: { ...(broken.length > 0 && { without: broken }), ...(suspend.length > 0 && { suspendWebhooks: suspend }) },
  });
  return (
    <PlanDialog cluster={cluster} title={t('ask.Start', { cluster })} targets={[]} text={t('ask.Start.text')} request={request} why={badWebhook(suspend)} onClose={onClose}>
      <details class="more">
        <summary>{t('ask.options')}</summary>
        <div class="stack">
          <Field label={t('start.without')} hint={t('start.without.hint')}>
            {(id, hint) => <input id={id} class="name" spellcheck={false} autocomplete="off" aria-describedby={hint} value={without} onInput={(e) => setWithout(e.currentTarget.value)} />}
          </Field>
          <Webhooks value={webhooks} onInput={setWebhooks} />
        </div>
      </details>
    </PlanDialog>
  );
}

function Webhooks({ value, onInput }: { value: string; onInput: (v: string) => void }) {
  return (
    <Field label={t('stop.webhooks')} hint={t('stop.webhooks.hint')}>
      {(id, hint) => (
        <input id={id} class="name" spellcheck={false} autocomplete="off" aria-describedby={hint} placeholder="ValidatingWebhookConfiguration/policy" value={value} onInput={(e) => onInput(e.currentTarget.value)} />
      )}
    </Field>
  );
}

function badWebhook(names: readonly string[]): string | undefined {
  const bad = names.find((w) => !webhook.test(w));
  return bad && t('stop.webhookBad', { what: bad });
}

import { useState } from 'preact/hooks';
import { missing, useAccess } from '../api/access';
import { mergePatch, segment } from '../api/client';
import type { Cluster, RecoveryPolicy } from '../api/v1alpha1';
import { seconds } from '../format';
import { t } from '../lang';
import { useReading } from '../live/reading';
import { Check, whole } from '../operation/ask/plandialog';
import { Action } from '../parts/button';
import { Dialog, Field } from '../parts/dialog';
import { Details, Panel, Section } from '../parts/facts';
import { Mark } from '../parts/mark';
import { Failure, Loading } from '../parts/states';

const defaults = { maxPercent: 20, afterSeconds: 300 };

function clusterPath(name: string): string {
  return `/apis/kanrin.dev/v1alpha1/namespaces/${segment(name)}/clusters/${segment(name)}`;
}

function setRecovery(cluster: string, recovery: RecoveryPolicy): Promise<Cluster> {
  return mergePatch<Cluster>(clusterPath(cluster), { spec: { recovery } });
}

/** Whether failing workers are brought back without a person, and within which limits. */
export function RecoverySection({ cluster }: { cluster: string }) {
  const { data, error, reload } = useReading<Cluster>(clusterPath(cluster), [{ cluster, area: 'clusters' }]);
  const access = useAccess(cluster);
  const [open, setOpen] = useState(false);
  const why = missing(access, 'update', 'clusters', cluster);
  const policy = data?.spec.recovery ?? {};
  return (
    <Section title={t('recovery.title')}>
      <Panel>
        {!data && (error ? <Failure error={error} retry={reload} what={t('recovery.title')} /> : <Loading what={t('recovery.title')} rows={2} />)}
        {data && (
          <div class="recovery">
            <div class="recovery-head">
              <Mark tone={policy.enabled ? 'ok' : 'idle'}>{t(policy.enabled ? 'recovery.on' : 'recovery.off')}</Mark>
              <p>{t('recovery.text')}</p>
              <div class="row-actions">
                {policy.enabled && (
                  <Action
                    why={why}
                    onClick={async () => {
                      await setRecovery(cluster, { ...policy, enabled: false });
                      reload();
                    }}
                  >
                    {t('recovery.turnOff')}
                  </Action>
                )}
                <Action why={why} onClick={() => setOpen(true)}>
                  {t(policy.enabled ? 'recovery.change' : 'recovery.turnOn')}
                </Action>
              </div>
            </div>
            {policy.enabled && (
              <Details
                rows={[
                  [t('recovery.ladder'), t(policy.reboot ? 'recovery.ladderReboot' : 'recovery.ladderShort')],
                  [t('recovery.after'), seconds(policy.afterSeconds || defaults.afterSeconds)],
                  [t('recovery.most'), t('recovery.mostOf', { n: policy.maxPercent || defaults.maxPercent })],
                ]}
              />
            )}
          </div>
        )}
      </Panel>
      {open && (
        <RecoveryDialog
          cluster={cluster}
          policy={policy}
          onClose={() => {
            setOpen(false);
            reload();
          }}
        />
      )}
    </Section>
  );
}

function RecoveryDialog({ cluster, policy, onClose }: { cluster: string; policy: RecoveryPolicy; onClose: () => void }) {
  const [most, setMost] = useState(String(policy.maxPercent || defaults.maxPercent));
  const [after, setAfter] = useState(String(policy.afterSeconds || defaults.afterSeconds));
  const [reboot, setReboot] = useState(policy.reboot ?? false);
  const [percent, wait] = [whole(most), whole(after)];
  const bad = percent === undefined || percent < 1 || percent > 100 ? t('recovery.mostBad') : wait === undefined || wait < 1 || wait > 86400 ? t('recovery.afterBad') : undefined;
  return (
    <Dialog
      title={t('recovery.dialog', { cluster })}
      onClose={onClose}
      submit={{
        label: t(policy.enabled ? 'users.save' : 'recovery.turnOnDo'),
        why: bad,
        run: async () => {
          await setRecovery(cluster, { enabled: true, reboot, maxPercent: percent ?? 0, afterSeconds: wait ?? 0 });
          onClose();
        },
      }}
    >
      <p>{t('recovery.text')}</p>
      <Check label={t('recovery.reboot')} hint={t('recovery.reboot.hint')} value={reboot} onChange={setReboot} />
      <div class="fields">
        <Field label={t('recovery.afterField')} hint={t('recovery.after.hint')}>
          {(id, hint) => <input id={id} inputMode="numeric" aria-describedby={hint} value={after} onInput={(e) => setAfter(e.currentTarget.value.trim())} />}
        </Field>
        <Field label={t('recovery.mostField')} hint={t('recovery.most.hint')}>
          {(id, hint) => <input id={id} inputMode="numeric" aria-describedby={hint} value={most} onInput={(e) => setMost(e.currentTarget.value.trim())} />}
        </Field>
      </div>
    </Dialog>
  );
}

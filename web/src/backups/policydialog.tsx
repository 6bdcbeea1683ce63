import { useState } from 'preact/hooks';
import { type BackupPolicy, type RepositoryType, retentionRules } from '../api/backupkinds';
import { setPolicy } from '../api/backups';
import type { BackupPolicySet } from '../api/inventory';
import { t, text } from '../lang';
import { Check } from '../operation/ask/plandialog';
import { Copyable, Dialog, Field } from '../parts/dialog';
import { Segments } from '../parts/tabs';
import { placeOf } from './state';
import { faultOf, formOf, type PolicyForm, requestOf } from './policyform';
import { cronText } from './words';

interface Props {
  cluster: string;
  /** The policy to change; without it, a new one. */
  policy?: BackupPolicy;
  taken: readonly string[];
  onClose: () => void;
}

type Change = (part: Partial<PolicyForm>) => void;

/** A policy is made or changed; then its keys want to be kept somewhere else. */
export function PolicyDialog({ cluster, policy, taken, onClose }: Props) {
  const [form, setForm] = useState(() => formOf(policy, Intl.DateTimeFormat().resolvedOptions().timeZone));
  const [made, setMade] = useState<BackupPolicySet>();
  const change: Change = (part) => setForm((f) => ({ ...f, ...part }));
  const fault = faultOf(form, policy === undefined, taken);
  if (made) return <KeepKeys cluster={cluster} made={made} onClose={onClose} />;
  return (
    <Dialog
      title={policy ? t('policy.changeTitle', { name: form.name }) : t('policy.newTitle', { cluster })}
      onClose={onClose}
      wide
      submit={{
        label: t(policy ? 'users.save' : 'policy.make'),
        why: fault && (text(`policyFault.${fault}`) ?? fault),
        run: async () => setMade(await setPolicy(cluster, requestOf(form, policy?.spec))),
      }}
    >
      <p>{t('policy.text')}</p>
      {!policy && <Text label={t('list.name')} hint={t('policy.name.hint')} value={form.name} onInput={(name) => change({ name })} />}
      <Repository form={form} change={change} fresh={!policy} />
      <Schedule form={form} change={change} />
      <Keep form={form} change={change} />
      <Proof form={form} change={change} />
      <More form={form} change={change} policy={policy} />
    </Dialog>
  );
}

interface TextProps {
  label: string;
  hint?: string;
  value: string;
  onInput: (v: string) => void;
  type?: 'password' | 'numeric' | 'plain';
  placeholder?: string;
  rows?: number;
  list?: string;
}

/** One field of the form. What is secret is written, and never shown again. */
function Text({ label, hint, value, onInput, type, placeholder, rows, list }: TextProps) {
  return (
    <Field label={label} {...(hint && { hint })}>
      {(id, hintId) =>
        rows ? (
          <textarea id={id} class="name" rows={rows} spellcheck={false} autocomplete="off" aria-describedby={hintId} placeholder={placeholder} value={value} onInput={(e) => onInput(e.currentTarget.value)} />
        ) : (
          <input
            id={id}
            class={type === 'plain' || type === 'numeric' ? '' : 'name'}
            {...(type === 'password' ? { type } : { type: 'text', ...(list && { list }) })}
            inputMode={type === 'numeric' ? 'numeric' : undefined}
            spellcheck={false}
            autocapitalize="off"
            autocomplete={type === 'password' ? 'new-password' : 'off'}
            aria-describedby={hintId}
            placeholder={placeholder}
            value={value}
            onInput={(e) => onInput(type === 'password' ? e.currentTarget.value : e.currentTarget.value.trimStart())}
          />
        )
      }
    </Field>
  );
}

function Group({ title, children }: { title: string; children: preact.ComponentChildren }) {
  return (
    <fieldset class="group">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

const types: readonly RepositoryType[] = ['Filesystem', 'S3', 'SFTP'];

function Repository({ form, change, fresh }: { form: PolicyForm; change: Change; fresh: boolean }) {
  const secret = fresh ? undefined : t('policy.secretKept');
  return (
    <Group title={t('backups.repository')}>
      <Segments label={t('policy.type')} value={form.type} options={types.map((id) => ({ id, label: text(`repository.${id}`) ?? id }))} onChoose={(type) => change({ type })} />
      {form.type === 'Filesystem' && <Text label={t('policy.path')} hint={t('policy.path.hint')} placeholder="/var/backups/kanrin" value={form.path} onInput={(path) => change({ path: path.trim() })} />}
      {form.type === 'S3' && (
        <>
          <div class="fields">
            <Text label={t('policy.endpoint')} placeholder="s3.example.com:9000" value={form.endpoint} onInput={(v) => change({ endpoint: v.trim() })} />
            <Text label={t('policy.bucket')} value={form.bucket} onInput={(v) => change({ bucket: v.trim() })} />
            <Text label={t('policy.accessKey')} value={form.accessKeyID} onInput={(v) => change({ accessKeyID: v.trim() })} {...(secret && { hint: secret })} />
            <Text label={t('policy.secretKey')} type="password" value={form.secretAccessKey} onInput={(v) => change({ secretAccessKey: v })} {...(secret && { hint: secret })} />
            <Text label={t('policy.prefix')} hint={t('policy.optional')} value={form.prefix} onInput={(v) => change({ prefix: v.trim() })} />
            <Text label={t('policy.region')} hint={t('policy.optional')} value={form.region} onInput={(v) => change({ region: v.trim() })} />
          </div>
          <details class="more">
            <summary>TLS</summary>
            <div class="stack">
              <Text label={t('policy.ca')} hint={t('policy.ca.hint')} rows={3} placeholder="-----BEGIN CERTIFICATE-----" value={form.caBundle} onInput={(v) => change({ caBundle: v })} />
              <Check label={t('policy.plainHTTP')} hint={t('policy.plainHTTP.hint')} value={form.plainHTTP} onChange={(v) => change({ plainHTTP: v })} />
            </div>
          </details>
        </>
      )}
      {form.type === 'SFTP' && (
        <>
          <div class="fields">
            <Text label={t('policy.host')} placeholder="backup.example.com" value={form.host} onInput={(v) => change({ host: v.trim() })} />
            <Text label={t('hostAdd.port')} type="numeric" placeholder="22" value={form.port} onInput={(v) => change({ port: v.trim() })} />
            <Text label={t('hostAdd.user')} value={form.user} onInput={(v) => change({ user: v.trim() })} />
            <Text label={t('policy.path')} placeholder="/srv/backups/prod" value={form.sftpPath} onInput={(v) => change({ sftpPath: v.trim() })} />
          </div>
          <Text label={t('policy.hostKey')} hint={t('policy.hostKey.hint')} rows={2} placeholder="ssh-ed25519 AAAA…" value={form.hostKey} onInput={(v) => change({ hostKey: v })} />
          <Text label={t('hostAdd.key')} rows={3} placeholder="-----BEGIN OPENSSH PRIVATE KEY-----" value={form.sshKey} onInput={(v) => change({ sshKey: v })} {...(secret && { hint: secret })} />
        </>
      )}
      <details class="more">
        <summary>{t('policy.existing')}</summary>
        <div class="stack">
          <Text label={t('policy.password')} type="password" hint={fresh ? t('policy.password.hint') : t('policy.secretKept')} value={form.password} onInput={(password) => change({ password })} />
          <Text label={t('policy.identity')} type="password" hint={fresh ? t('policy.identity.hint') : t('policy.secretKept')} value={form.identity} onInput={(identity) => change({ identity })} />
        </div>
      </details>
    </Group>
  );
}

const presets = ['0 2 * * *', '0 */6 * * *', '0 * * * *', '0 3 * * 0'] as const;

function Schedule({ form, change }: { form: PolicyForm; change: Change }) {
  const own = !(presets as readonly string[]).includes(form.cron);
  return (
    <Group title={t('policy.schedule')}>
      <Check label={t('policy.scheduled')} value={form.scheduled} onChange={(scheduled) => change({ scheduled })} />
      {form.scheduled && (
        <>
          <div class="fields">
            <Field label={t('policy.when')}>
              {(id) => (
                <select id={id} value={own ? '' : form.cron} onChange={(e) => change({ cron: e.currentTarget.value || '30 1 * * 1-5' })}>
                  {presets.map((cron) => (
                    <option key={cron} value={cron}>
                      {cronText(cron)}
                    </option>
                  ))}
                  <option value="">{t('policy.ownCron')}</option>
                </select>
              )}
            </Field>
            <Text label="cron" hint={t('policy.cron.hint')} value={form.cron} onInput={(cron) => change({ cron })} />
            <Text label={t('policy.zone')} value={form.timeZone} list="time-zones" onInput={(v) => change({ timeZone: v.trim() })} />
            <Text label={t('policy.quiet')} hint={t('policy.quiet.hint')} placeholder="08:00-18:00" value={form.quiet} onInput={(quiet) => change({ quiet })} />
          </div>
          <datalist id="time-zones">
            {Intl.supportedValuesOf('timeZone').map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
          <details class="more">
            <summary>{t('ask.options')}</summary>
            <Text label={t('policy.jitter')} type="numeric" hint={t('policy.jitter.hint')} value={form.jitter} onInput={(v) => change({ jitter: v.trim() })} />
            <Check label={t('policy.skipMissed')} hint={t('policy.skipMissed.hint')} value={form.skipMissed} onChange={(skipMissed) => change({ skipMissed })} />
          </details>
        </>
      )}
    </Group>
  );
}

function Keep({ form, change }: { form: PolicyForm; change: Change }) {
  return (
    <Group title={t('policy.retention')}>
      <p class="hint">{t('policy.retention.hint')}</p>
      <div class="fields six">
        {retentionRules.map((rule) => (
          <Text key={rule} label={text(`retention.${rule}`) ?? rule} type="numeric" placeholder="0" value={form.retention[rule]} onInput={(v) => change({ retention: { ...form.retention, [rule]: v.trim() } })} />
        ))}
      </div>
      <Check label={t('policy.appendOnly')} hint={t('policy.appendOnly.hint')} value={form.appendOnly} onChange={(appendOnly) => change({ appendOnly })} />
    </Group>
  );
}

function Proof({ form, change }: { form: PolicyForm; change: Change }) {
  return (
    <Group title={t('policy.proof')}>
      <Check label={t('policy.proveEvery')} hint={t('policy.proveEvery.hint')} value={form.proveEvery} onChange={(proveEvery) => change({ proveEvery })} />
      <div class="fields">
        <Text label={t('policy.proofCron')} hint={t('policy.proofCron.hint')} value={form.proofCron} placeholder="0 4 * * 0" onInput={(proofCron) => change({ proofCron })} />
        <Text label={t('policy.maxAge')} type="numeric" hint={t('policy.maxAge.hint')} value={form.maxAge} onInput={(v) => change({ maxAge: v.trim() })} />
      </div>
      <Check label={t('policy.allowDisk')} hint={t('policy.allowDisk.hint')} value={form.allowDisk} onChange={(allowDisk) => change({ allowDisk })} />
    </Group>
  );
}

function More({ form, change, policy }: { form: PolicyForm; change: Change; policy: BackupPolicy | undefined }) {
  const components = policy?.spec.components ?? [];
  return (
    <details class="more">
      <summary>{t('ask.options')}</summary>
      <div class="stack">
        <Text label={t('policy.sealTo')} hint={t('policy.sealTo.hint')} rows={2} placeholder="age1…" value={form.sealTo} onInput={(sealTo) => change({ sealTo })} />
        <Check label={t('policy.suspend')} hint={t('policy.suspend.hint')} value={form.suspended} onChange={(suspended) => change({ suspended })} />
        <p class="hint">
          {components.length > 0 ? t('policy.components', { names: components.map((c) => c.name).join(', ') }) : t('policy.componentsDefault')} {t('policy.componentsHow')}
        </p>
      </div>
    </details>
  );
}

/** What is encrypted is lost without its keys: they are asked for by a command, never shown in a browser. */
function KeepKeys({ cluster, made, onClose }: { cluster: string; made: BackupPolicySet; onClose: () => void }) {
  const { name } = made.policy.metadata;
  return (
    <Dialog title={t('keys.title')} onClose={onClose}>
      <p class="notice ok">
        {made.created ? t('keys.created', { place: placeOf(made.policy.spec.repository) }) : made.found > 0 ? t('keys.found', { place: placeOf(made.policy.spec.repository), n: made.found }) : t('keys.saved', { name })}
      </p>
      <p>{t('keys.text')}</p>
      <Copyable value={`kanrin backup policy keys ${name} --cluster ${cluster}`} />
      <p class="hint">{t('keys.hint')}</p>
    </Dialog>
  );
}

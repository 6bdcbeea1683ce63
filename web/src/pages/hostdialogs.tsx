import { useEffect, useState } from 'preact/hooks';
import { addHost, refreshHost, removeHost, scan, trustKey } from '../api/hosts';
import { type ApiError, asApiError } from '../api/client';
import type { ScannedKey } from '../api/inventory';
import { type Host, type HostRole, hostRoles } from '../api/v1alpha1';
import { t } from '../lang';
import { Check, whole } from '../operation/ask/plandialog';
import { Action } from '../parts/button';
import { Copyable, Dialog, Field, TypeName } from '../parts/dialog';
import { Failure } from '../parts/states';
import { go, to } from '../route';

const nameRule = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;

/** A machine is made known: first its key is looked at, then who signs in with which key. */
export function AddHostDialog({ cluster, onClose }: { cluster: string; onClose: () => void }) {
  const [address, setAddress] = useState('');
  const [port, setPort] = useState('');
  const [shown, setShown] = useState<ScannedKey>();
  const [compared, setCompared] = useState(false);
  const [name, setName] = useState('');
  const [user, setUser] = useState('root');
  const [key, setKey] = useState('');
  const [role, setRole] = useState<HostRole | ''>('');
  const [node, setNode] = useState('');
  const [tier, setTier] = useState('0');
  const [power, setPower] = useState<'' | 'bmc' | 'command'>('');
  const [bmc, setBmc] = useState({ address: '', user: '', password: '' });
  const [command, setCommand] = useState('');

  const portNumber = port === '' ? 22 : whole(port);
  const badPort = portNumber === undefined || portNumber < 1 || portNumber > 65535;
  const look = async () => {
    const found = await scan(cluster, address, portNumber);
    setShown(found);
    setCompared(false);
    if (name === '') setName(suggest(address));
  };
  const why = whyNot();
  function whyNot(): string | undefined {
    if (!shown) return t('hostAdd.scanFirst');
    if (!compared) return t('hostAdd.compareFirst');
    if (!nameRule.test(name)) return t('hostAdd.nameBad');
    if (key.trim() === '') return t('hostAdd.keyMissing');
    const level = whole(tier);
    if (level === undefined || level > 100) return t('hostAdd.tierBad');
    if (power === 'bmc' && (bmc.address === '' || bmc.user === '' || bmc.password === '')) return t('hostAdd.bmcMissing');
    if (power === 'command' && command === '') return t('hostAdd.commandMissing');
    return undefined;
  }

  return (
    <Dialog
      title={t('hosts.addTitle', { cluster })}
      onClose={onClose}
      wide
      submit={{
        label: t('hostAdd.do'),
        why,
        run: async () => {
          if (!shown) return;
          await addHost(cluster, {
            name,
            spec: {
              address,
              ...(portNumber !== 22 && portNumber !== undefined && { port: portNumber }),
              ...(user && user !== 'root' && { user }),
              hostKey: shown.key,
              ...(role && { roles: [role] }),
              ...(node && { nodeName: node }),
              ...(Number(tier) > 0 && { tier: Number(tier) }),
              ...(power === 'bmc' && { power: { bmc: { address: bmc.address } } }),
              ...(power === 'command' && { power: { command } }),
            },
            privateKey: key.endsWith('\n') ? key : `${key}\n`,
            ...(power === 'bmc' && { bmcUser: bmc.user, bmcPassword: bmc.password }),
          });
          onClose();
          go(to.host(cluster, name));
        },
      }}
    >
      <p>{t('hostAdd.text')}</p>
      <div class="fields address">
        <Field label={t('hosts.address')} hint={t('hostAdd.address.hint')}>
          {(id, hint) => (
            <input
              id={id}
              class="name"
              aria-describedby={hint}
              value={address}
              spellcheck={false}
              autocapitalize="off"
              autocomplete="off"
              onInput={(e) => {
                setAddress(e.currentTarget.value.trim());
                setShown(undefined);
              }}
            />
          )}
        </Field>
        <Field label={t('hostAdd.port')}>
          {(id) => (
            <input
              id={id}
              inputMode="numeric"
              placeholder="22"
              value={port}
              onInput={(e) => {
                setPort(e.currentTarget.value.trim());
                setShown(undefined);
              }}
            />
          )}
        </Field>
        <Action why={address === '' ? t('hostAdd.addressMissing') : badPort ? t('hostAdd.portBad') : undefined} onClick={look}>
          {t('hostAdd.scan')}
        </Action>
      </div>
      {shown && (
        <>
          <Fingerprints rows={[[t('hostAdd.shown'), shown.fingerprint, shown.type]]} />
          <Check label={t('hostAdd.compared')} hint={t('hostAdd.compared.hint')} value={compared} onChange={setCompared} />
          <Copyable value={compareCommand(shown.type)} />
          <div class="fields">
            <Field label={t('list.name')} hint={t('hostAdd.name.hint')}>
              {(id, hint) => <input id={id} class="name" aria-describedby={hint} value={name} spellcheck={false} autocapitalize="off" autocomplete="off" onInput={(e) => setName(e.currentTarget.value.trim())} />}
            </Field>
            <Field label={t('hostAdd.user')} hint={t('hostAdd.user.hint')}>
              {(id, hint) => <input id={id} class="name" aria-describedby={hint} value={user} spellcheck={false} autocapitalize="off" autocomplete="off" onInput={(e) => setUser(e.currentTarget.value.trim())} />}
            </Field>
          </div>
          <Field label={t('hostAdd.key')} hint={t('hostAdd.key.hint')}>
            {(id, hint) => (
              <textarea id={id} aria-describedby={hint} rows={4} class="name" spellcheck={false} autocomplete="off" placeholder="-----BEGIN OPENSSH PRIVATE KEY-----" value={key} onInput={(e) => setKey(e.currentTarget.value)} />
            )}
          </Field>
          <div class="fields">
            <Field label={t('nodes.role')} hint={t('hostAdd.role.hint')}>
              {(id, hint) => (
                <select id={id} aria-describedby={hint} value={role} onChange={(e) => setRole(e.currentTarget.value as HostRole | '')}>
                  <option value="">–</option>
                  {hostRoles.map((r) => (
                    <option key={r} value={r}>
                      {r}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label={t('hostAdd.node')} hint={t('hostAdd.node.hint')}>
              {(id, hint) => <input id={id} class="name" aria-describedby={hint} value={node} spellcheck={false} autocapitalize="off" autocomplete="off" onInput={(e) => setNode(e.currentTarget.value.trim())} />}
            </Field>
            <Field label={t('hosts.tier')} hint={t('hostAdd.tier.hint')}>
              {(id, hint) => <input id={id} inputMode="numeric" aria-describedby={hint} value={tier} onInput={(e) => setTier(e.currentTarget.value.trim())} />}
            </Field>
            <Field label={t('hosts.power')} hint={t('hostAdd.power.hint')}>
              {(id, hint) => (
                <select id={id} aria-describedby={hint} value={power} onChange={(e) => setPower(e.currentTarget.value as '' | 'bmc' | 'command')}>
                  <option value="">{t('host.noPower')}</option>
                  <option value="bmc">BMC (IPMI 2.0)</option>
                  <option value="command">{t('host.powerCommand')}</option>
                </select>
              )}
            </Field>
          </div>
          {power === 'bmc' && (
            <div class="fields">
              <Field label={t('hostAdd.bmcAddress')}>{(id) => <input id={id} class="name" value={bmc.address} spellcheck={false} autocomplete="off" onInput={(e) => setBmc({ ...bmc, address: e.currentTarget.value.trim() })} />}</Field>
              <Field label={t('hostAdd.bmcUser')}>{(id) => <input id={id} class="name" value={bmc.user} spellcheck={false} autocomplete="off" onInput={(e) => setBmc({ ...bmc, user: e.currentTarget.value })} />}</Field>
              <Field label={t('hostAdd.bmcPassword')}>{(id) => <input id={id} type="password" value={bmc.password} autocomplete="new-password" onInput={(e) => setBmc({ ...bmc, password: e.currentTarget.value })} />}</Field>
            </div>
          )}
          {power === 'command' && (
            <Field label={t('host.powerCommand')} hint={t('hostAdd.command.hint')}>
              {(id, hint) => <input id={id} class="name" aria-describedby={hint} value={command} spellcheck={false} autocomplete="off" onInput={(e) => setCommand(e.currentTarget.value.trim())} />}
            </Field>
          )}
        </>
      )}
      <p class="hint">{t('ask.same')}</p>
      <Copyable value={addCommand()} />
    </Dialog>
  );

  function addCommand(): string {
    const words = ['kanrin host add', address || 'ADDRESS'];
    if (name && name !== suggest(address)) words.push('--name', name);
    words.push('--user', user || 'root', '--key', '~/.ssh/id_ed25519');
    if (port !== '' && portNumber !== 22) words.push('--port', port);
    if (role) words.push('--role', role);
    if (node) words.push('--node', node);
    if (Number(tier) > 0) words.push('--tier', tier);
    if (power === 'bmc') words.push('--bmc', bmc.address || 'ADDRESS', '--bmc-user', bmc.user || 'USER');
    if (power === 'command') words.push('--power-command', command || 'NAME');
    return [...words, '--cluster', cluster].join(' ');
  }
}

/** A name out of an address: the first label of a DNS name, or the address with dashes. */
function suggest(address: string): string {
  if (/^[0-9.]+$|:/.test(address)) return `host-${address.replace(/[^0-9a-f]+/gi, '-').replace(/^-+|-+$/g, '').toLowerCase()}`;
  return (address.split('.')[0] ?? '').toLowerCase();
}

function compareCommand(type: string): string {
  const file = type.includes('ed25519') ? 'ed25519' : type.includes('ecdsa') ? 'ecdsa' : 'rsa';
  return `ssh-keygen -lf /etc/ssh/ssh_host_${file}_key.pub`;
}

function Fingerprints({ rows }: { rows: readonly (readonly [label: string, fingerprint: string, type?: string])[] }) {
  return (
    <dl class="prints">
      {rows.map(([label, fingerprint, type]) => (
        <div key={label}>
          <dt>
            {label} {type && <span class="name">{type}</span>}
          </dt>
          <dd>
            <code class="fingerprint">{fingerprint}</code>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Another host key is pinned, or the first one: the old and the new side by side. */
export function TrustDialog({ cluster, host, onClose }: { cluster: string; host: Host; onClose: () => void }) {
  const [shown, setShown] = useState<ScannedKey>();
  const [error, setError] = useState<ApiError>();
  const [compared, setCompared] = useState(false);
  const { name } = host.metadata;
  const pinned = host.status?.fingerprint;
  const look = () => {
    setError(undefined);
    void scan(cluster, host.spec.address, host.spec.port).then(setShown, (failure: unknown) => setError(asApiError(failure)));
  };
  useEffect(look, []);
  const same = shown !== undefined && shown.fingerprint === pinned;
  return (
    <Dialog
      title={t('trust.title', { name })}
      onClose={onClose}
      submit={{
        label: t('trust.do'),
        kind: 'danger',
        why: !shown ? t('trust.waiting') : same ? t('trust.same') : compared ? undefined : t('hostAdd.compareFirst'),
        run: async () => {
          if (!shown) return;
          await trustKey(cluster, name, shown.key);
          // That the machine cannot be looked at now is on its page; the key is pinned.
          await refreshHost(cluster, name).catch(() => undefined);
          onClose();
        },
      }}
    >
      <p>{t('trust.text')}</p>
      <Fingerprints rows={[[t('trust.old'), pinned || '–'], ...(shown ? ([[t('trust.new'), shown.fingerprint, shown.type]] as const) : [])]} />
      {!shown && !error && (
        <p class="waiting" role="status">
          <span class="mark run">
            <i aria-hidden="true" />
          </span>
          {t('trust.scanning')}
        </p>
      )}
      {error && <Failure error={error} retry={look} />}
      {same && <p class="notice">{t('trust.same')}</p>}
      {shown && !same && (
        <>
          <Check label={t('hostAdd.compared')} hint={t('hostAdd.compared.hint')} value={compared} onChange={setCompared} />
          <Copyable value={compareCommand(shown.type)} />
        </>
      )}
    </Dialog>
  );
}

/** Kanrin forgets the machine; the machine does not notice. */
export function RemoveHostDialog({ cluster, name, onClose }: { cluster: string; name: string; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  return (
    <Dialog
      title={t('hostRemove.title', { name })}
      onClose={onClose}
      submit={{
        label: t('hostRemove.do'),
        kind: 'danger',
        why: typed.trim() === name ? undefined : t('approve.typeFirst', { name }),
        run: async () => {
          await removeHost(cluster, name);
          onClose();
          go(to.hosts(cluster));
        },
      }}
    >
      <p>{t('hostRemove.text')}</p>
      <TypeName name={name} value={typed} onInput={setTyped} />
    </Dialog>
  );
}

import { useState } from 'preact/hooks';
import { missing, useAccess } from '../api/access';
import { query } from '../api/client';
import { hostPath, refreshHost } from '../api/hosts';
import type { OperationRow, Page } from '../api/inventory';
import type { Condition, Host, HostDisk } from '../api/v1alpha1';
import { memory, quantity, share } from '../format';
import { t, text } from '../lang';
import type { Column } from '../list/columns';
import { List } from '../list/list';
import { useReading } from '../live/reading';
import { askFor } from '../operation/ask';
import { Bar } from '../parts/bar';
import { Action } from '../parts/button';
import { Details, Fact, Facts, Panel, Section } from '../parts/facts';
import { Mark } from '../parts/mark';
import { PageHead } from '../parts/page';
import { Failure, Loading } from '../parts/states';
import { Tabs } from '../parts/tabs';
import { Ago } from '../parts/time';
import { Yaml } from '../parts/yaml';
import { place, to } from '../route';
import { RemoveHostDialog, TrustDialog } from './hostdialogs';
import { powerText } from './hosts';
import { Clock, HostMark, type Seen, stateSentence } from './hoststate';
import { operationColumns } from './operationcolumns';

export function HostPage({ cluster, name }: { cluster: string; name: string }) {
  const path = hostPath(cluster, name);
  const { data, error, reload } = useReading<Host>(path, [{ cluster, area: 'hosts' }]);
  const tab = place.value.query.get('tab') ?? 'facts';
  const seen = data && seenOf(data);
  const why = seen && stateSentence(seen);
  return (
    <>
      <PageHead
        title={name}
        crumbs={
          <>
            <a class="name" href={to.cluster(cluster)}>
              {cluster}
            </a>{' '}
            / <a href={to.hosts(cluster)}>{t('nav.hosts')}</a>
          </>
        }
        beside={seen && <HostMark host={seen} />}
        actions={data && <HostActions cluster={cluster} host={data} changed={reload} />}
      />
      {error && <Failure error={error} retry={reload} what={name} />}
      {!data && !error && <Loading what={name} rows={8} />}
      {data && seen && (
        <>
          {why && <p class={`notice ${seen.state === 'HostKeyChanged' ? 'crit' : 'warn'}`}>{why}</p>}
          <HostHead cluster={cluster} host={data} />
          <Tabs
            label={t('host.views')}
            tabs={[
              { id: 'facts', label: t('node.facts') },
              { id: 'operations', label: t('nav.operations') },
              { id: 'yaml', label: 'YAML' },
            ]}
          />
          {tab === 'facts' && <HostFacts host={data} />}
          {tab === 'operations' && <HostOperations cluster={cluster} host={data} />}
          {tab === 'yaml' && <Yaml path={path} />}
        </>
      )}
    </>
  );
}

function seenOf(h: Host): Seen {
  const s = h.status;
  return { name: h.metadata.name, state: s?.state ?? 'Unknown', message: s?.message, params: s?.params, power: s?.power };
}

function HostActions({ cluster, host, changed }: { cluster: string; host: Host; changed: () => void }) {
  const access = useAccess(cluster);
  const [open, setOpen] = useState<'trust' | 'remove'>();
  const { name } = host.metadata;
  const state = host.status?.state;
  const rekey = state === 'HostKeyChanged' || state === 'HostKeyMissing';
  const close = () => {
    setOpen(undefined);
    changed();
  };
  return (
    <>
      {rekey ? (
        <Action kind="primary" why={missing(access, 'update', 'hosts', cluster)} onClick={() => setOpen('trust')}>
          {t(state === 'HostKeyMissing' ? 'host.pin' : 'host.repin')}
        </Action>
      ) : (
        !host.spec.nodeName && (
          <Action kind="primary" why={missing(access, 'create', 'operations', cluster)} onClick={() => askFor({ cluster, type: 'AddNode', host: name, roles: host.spec.roles, group: host.spec.group })}>
            {t('host.addNode')}
          </Action>
        )
      )}
      <Action
        why={missing(access, 'update', 'hosts', cluster)}
        onClick={async () => {
          await refreshHost(cluster, name);
          changed();
        }}
      >
        {t('host.refresh')}
      </Action>
      <Action why={missing(access, 'delete', 'hosts', cluster)} onClick={() => setOpen('remove')}>
        {t('host.remove')}
      </Action>
      {open === 'trust' && <TrustDialog cluster={cluster} host={host} onClose={close} />}
      {open === 'remove' && <RemoveHostDialog cluster={cluster} name={name} onClose={() => setOpen(undefined)} />}
    </>
  );
}

function HostHead({ cluster, host }: { cluster: string; host: Host }) {
  const { spec, status } = host;
  const facts = status?.facts;
  const by = spec.power?.bmc ? 'bmc' : spec.power?.command ? 'command' : undefined;
  return (
    <Facts>
      <Fact label={t('hosts.address')}>
        <span class="name">{spec.address}</span>
      </Fact>
      <Fact label={t('nodes.role')}>{spec.roles?.join(', ') || '–'}</Fact>
      <Fact label={t('list.node')}>
        {spec.nodeName ? (
          <a class="name" href={to.node(cluster, spec.nodeName)}>
            {spec.nodeName}
          </a>
        ) : (
          '–'
        )}
      </Fact>
      <Fact label={t('hosts.tier')}>{spec.tier ?? 0}</Fact>
      <Fact label={t('hosts.power')}>{powerText(status?.power, by)}</Fact>
      {facts && (
        <Fact label={t('hosts.clock')}>
          <Clock offset={facts.clockOffsetMilliseconds} error={facts.clockErrorMilliseconds} />
        </Fact>
      )}
      <Fact label={t('cluster.lastSeen')}>{status?.lastSeen ? <Ago at={status.lastSeen} /> : t('host.never')}</Fact>
    </Facts>
  );
}

function HostFacts({ host }: { host: Host }) {
  const { spec, status } = host;
  const facts = status?.facts;
  const mono = (v: string | undefined) => <span class="name">{v || '–'}</span>;
  const unit = (version: string | undefined, state: string | undefined) => (
    <>
      {mono(version)} {state && <span class={state === 'active' ? 'dim' : 'crit'}>{state}</span>}
    </>
  );
  return (
    <>
      <Section title={t('host.ssh')}>
        <Panel>
          <Details
            rows={[
              [t('host.sshAs'), mono(`${spec.user || 'root'}@${spec.address}:${spec.port || 22}`)],
              [t('host.fingerprint'), spec.hostKey ? <code class="name fingerprint">{status?.fingerprint || '–'}</code> : <span class="warn">{t('host.notPinned')}</span>],
              [t('host.keySecret'), mono(spec.keySecret)],
              status?.addresses && status.addresses.length > 0 && [t('host.nodeAddresses'), mono(status.addresses.map((a) => a.address).join(', '))],
              [t('hosts.power'), spec.power?.bmc ? <>BMC {mono(spec.power.bmc.address)}</> : spec.power?.command ? <>{t('host.powerCommand')} {mono(spec.power.command)}</> : t('host.noPower')],
              spec.group ? [t('hosts.group'), mono(spec.group)] : undefined,
            ]}
          />
        </Panel>
      </Section>
      {!facts && (
        <Section title={t('host.machine')}>
          <Panel>
            <p class="quiet-note">{t('host.noFacts')}</p>
          </Panel>
        </Section>
      )}
      {facts && (
        <>
          <Section title={t('host.machine')}>
            <Panel>
              <Details
                rows={[
                  [t('node.os'), facts.os || '–'],
                  [t('node.kernel'), mono([facts.kernel, facts.arch].filter(Boolean).join(' '))],
                  [t('host.hostname'), mono(facts.hostname)],
                  ['CPU', facts.cpus ? t('unit.cores', { n: facts.cpus }) : '–'],
                  [t('list.memory'), memory(Math.round(quantity(facts.memory)))],
                  [t('host.swap'), facts.swap ? <span class="warn">{t('host.swapOn')}</span> : t('host.swapOff')],
                  [t('host.booted'), facts.bootedAt ? <Ago at={facts.bootedAt} /> : '–'],
                  [t('node.runtime'), unit(facts.runtime, facts.runtimeState)],
                  ['kubelet', unit(facts.kubelet, facts.kubeletState)],
                  ['kubeadm', mono(facts.kubeadm)],
                  ['etcd', facts.etcdMember ? t('host.etcdMember') : t('host.etcdNone')],
                ]}
              />
            </Panel>
          </Section>
          {facts.disks && facts.disks.length > 0 && (
            <Section title={t('host.disks')}>
              <Panel>
                <List label={t('host.disks')} rows={facts.disks} columns={diskColumns()} rowKey={(d) => d.path} />
              </Panel>
            </Section>
          )}
        </>
      )}
      {status?.conditions && status.conditions.length > 0 && (
        <Section title={t('host.conditions')}>
          <Panel>
            <List label={t('host.conditions')} rows={status.conditions} columns={conditionColumns()} rowKey={(c) => c.type} />
          </Panel>
        </Section>
      )}
    </>
  );
}

function diskColumns(): Column<HostDisk>[] {
  return [
    { id: 'path', head: t('host.path'), width: 'minmax(0, 1.4fr)', card: 'name', cell: (d) => <span class="name">{d.path}</span> },
    { id: 'used', head: t('host.used'), width: 'minmax(150px, 1fr)', card: 'state', cell: (d) => <Bar share={share(d.bytes - d.available, d.bytes)} label={t('host.usedOf', { path: d.path })} wide /> },
    { id: 'free', head: t('host.free'), width: '110px', num: true, cell: (d) => memory(d.available) },
    { id: 'size', head: t('volumes.size'), width: '110px', num: true, cell: (d) => memory(d.bytes) },
  ];
}

function conditionColumns(): Column<Condition>[] {
  return [
    { id: 'type', head: t('host.condition'), width: '120px', card: 'name', cell: (c) => <span class="name">{c.type}</span> },
    { id: 'status', head: t('list.state'), width: '96px', card: 'state', cell: (c) => <Mark tone={c.status === 'True' ? 'ok' : c.status === 'False' ? 'crit' : 'unknown'}>{c.status}</Mark> },
    { id: 'reason', head: t('operations.why'), width: 'minmax(0, 2fr)', card: 'line', cell: (c) => <span class="clip">{text(`hostState.${c.reason}`) ?? c.reason}</span> },
    { id: 'since', head: t('host.since'), width: '110px', cell: (c) => <Ago at={c.lastTransitionTime} /> },
  ];
}

function HostOperations({ cluster, host }: { cluster: string; host: Host }) {
  const names = [host.metadata.name, host.spec.nodeName].filter(Boolean);
  const { data, error, reload } = useReading<Page<OperationRow>>(`/kanrin/v1/operations${query({ cluster, limit: 500 })}`, [{ cluster, area: 'operations' }]);
  if (!data) return error ? <Failure error={error} retry={reload} what={t('nav.operations')} /> : <Loading what={t('nav.operations')} />;
  // A stop or a start is about every host.
  const rows = (data.items ?? []).filter((o) => o.type === 'Stop' || o.type === 'Start' || o.target.split(/[ ,]+/).some((n) => names.includes(n)));
  return (
    <Panel>
      {rows.length === 0 ? (
        <p class="quiet-note">{t('host.noOperations')}</p>
      ) : (
        <List label={t('nav.operations')} rows={rows} columns={operationColumns(false)} rowKey={(o) => o.name} />
      )}
    </Panel>
  );
}

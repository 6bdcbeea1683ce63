import { missing, useAccess } from '../api/access';
import { segment } from '../api/client';
import { hostsPath } from '../api/hosts';
import type { ClusterRow, Host, Page, Zone } from '../api/inventory';
import { cores, count, memory, quantity, share } from '../format';
import { said, t } from '../lang';
import type { Column } from '../list/columns';
import { List } from '../list/list';
import { useReading } from '../live/reading';
import { askFor } from '../operation/ask';
import { Bar } from '../parts/bar';
import { Action } from '../parts/button';
import { bySeverity, FindingRow } from '../parts/finding';
import { Details, Fact, Facts, Panel, Section } from '../parts/facts';
import { HealthMark, Tag } from '../parts/mark';
import { PageHead } from '../parts/page';
import { Empty, Failure, Loading } from '../parts/states';
import { Ago } from '../parts/time';
import { place, to } from '../route';
import { RemoveClusterButton } from './addcluster';
import { CapacityView } from './capacity';
import { cpuShare, memoryShare } from './clustercolumns';
import { operationColumns } from './operationcolumns';
import { findingsOf } from './overview';
import { RecoverySection } from './recovery';
import { Remedy } from './remedy';

/** One cluster: facts first, then what it needs, its zones, its operations; its capacity behind a tab. */
export function ClusterPage({ name }: { name: string }) {
  const { data, error, reload } = useReading<ClusterRow>(`/kanrin/v1/clusters/${segment(name)}`, [
    { cluster: name, area: 'clusters' },
    { cluster: name, area: 'operations' },
  ]);
  const capacity = place.value.path.endsWith('/capacity');
  return (
    <>
      <PageHead
        title={name}
        crumbs={<a href={to.clusters()}>{t('nav.clusters')}</a>}
        beside={
          data && (
            <>
              <HealthMark value={data.status.health} /> {data.demo && <Tag>{t('cluster.demo')}</Tag>}
            </>
          )
        }
        actions={data && <ClusterActions row={data} />}
      />
      <nav class="tabs" aria-label={t('cluster.views')}>
        <a href={to.cluster(name)} aria-current={capacity ? undefined : 'page'}>
          {t('cluster.facts')}
        </a>
        <a href={to.capacity(name)} aria-current={capacity ? 'page' : undefined}>
          {t('capacity.title')}
        </a>
      </nav>
      {error && <Failure error={error} retry={reload} what={name} />}
      {!data && !error && <Loading what={name} rows={8} />}
      {data && (capacity ? <CapacityView cluster={name} /> : <ClusterFacts row={data} />)}
    </>
  );
}

function useHosts(cluster: string): Page<Host> | undefined {
  return useReading<Page<Host>>(hostsPath(cluster), [{ cluster, area: 'hosts' }]).data;
}

/** A cluster is stopped and started over its machines: without hosts there is nothing to do that with. */
function ClusterActions({ row }: { row: ClusterRow }) {
  const cluster = row.name;
  const access = useAccess(cluster);
  const hosts = useHosts(cluster);
  const down = row.status.health === 'Stopped' || row.status.health === 'Unreachable';
  const some = row.status.health === 'Degraded';
  const why = missing(access, 'create', 'operations', cluster) ?? (hosts?.total === 0 ? t('cluster.noHosts') : undefined);
  return (
    <>
      {(down || some) && (
        <Action kind={down ? 'primary' : 'plain'} why={why} onClick={() => askFor({ cluster, type: 'Start' })}>
          {t('cluster.start')}
        </Action>
      )}
      {row.status.health !== 'Stopped' && (
        <Action why={why} onClick={() => askFor({ cluster, type: 'Stop' })}>
          {t('cluster.stop')}
        </Action>
      )}
      {!row.demo && <RemoveClusterButton name={cluster} />}
    </>
  );
}

function ClusterFacts({ row }: { row: ClusterRow }) {
  const hosts = useHosts(row.name);
  const s = row.status;
  const findings = [...findingsOf(row)].sort(bySeverity);
  const unreachable = s.conditions?.find((c) => c.type === 'Reachable' && c.status === 'False');
  const operations = [...(row.running ?? []), ...(row.recent ?? [])].filter((o, i, all) => all.findIndex((x) => x.name === o.name) === i);
  return (
    <>
      {s.health === 'Stopped' && <p class="notice">{t('cluster.stoppedText')}</p>}
      {unreachable && s.health !== 'Stopped' && (
        <p class="notice crit" role="alert">
          {said('cluster', unreachable.reason, { cluster: row.name, name: row.name, server: s.server ?? '' }, unreachable.message)}
        </p>
      )}
      <Facts>
        <Fact label={t('cluster.nodesReady')}>
          <a href={to.nodes(row.name)}>{s.nodes ? `${s.nodes.ready} / ${s.nodes.total}` : '–'}</a>
        </Fact>
        <Fact label={t('hosts.reachable')}>
          <a href={to.hosts(row.name)}>{hosts?.total === 0 ? 0 : hosts ? `${(hosts.items ?? []).filter((h) => h.state === 'Reachable').length} / ${hosts.total}` : '–'}</a>
        </Fact>
        <Fact label={t('cluster.podsRunning')}>
          <a href={to.pods(row.name)}>{s.pods ? `${count(s.pods.running ?? 0)} / ${count(s.pods.total)}` : '–'}</a>
        </Fact>
        {(s.pods?.pending ?? 0) > 0 && (
          <Fact label={t('cluster.podsPending')} tone="warn">
            <a href={to.pods(row.name, '?state=Pending')}>{s.pods?.pending}</a>
          </Fact>
        )}
        <Fact label={t('cluster.cpu')}>
          <Bar share={cpuShare(row)} label={t('cluster.cpu')} wide />
        </Fact>
        <Fact label={t('cluster.memory')}>
          <Bar share={memoryShare(row)} label={t('cluster.memory')} wide />
        </Fact>
        <Fact label={t('cluster.version')}>
          <span class="name">{s.version ?? '–'}</span>
        </Fact>
      </Facts>
      <Section title={t('overview.needsYou')}>
        <Panel>
          {findings.length === 0 ? (
            <p class="quiet-note">
              <span class="mark ok">
                <i aria-hidden="true" />
              </span>{' '}
              {t('overview.nothing')}
            </p>
          ) : (
            <ul class="findings">
              {findings.map((f, i) => (
                <FindingRow key={`${f.code}/${f.object}/${i}`} cluster={row.name} finding={f} standing>
                  <Remedy cluster={row.name} finding={f} />
                </FindingRow>
              ))}
            </ul>
          )}
        </Panel>
      </Section>
      {row.zones && row.zones.length > 0 && (
        <Section
          title={t('zone.title')}
          aside={
            <a class="aside" href={to.capacity(row.name)}>
              {t('remedy.whatIf')}
            </a>
          }
        >
          <Panel>
            <List label={t('zone.title')} rows={row.zones} columns={zoneColumns(row.name)} rowKey={(z) => z.name} />
          </Panel>
        </Section>
      )}
      <Section title={t('nav.operations')}>
        <Panel>
          {operations.length === 0 ? (
            <Empty icon="operations" title={t('operations.emptyTitle')} command={`kanrin drain w3 --cluster ${row.name}`}>
              {t('operations.emptyText')}
            </Empty>
          ) : (
            <List label={t('nav.operations')} rows={operations} columns={operationColumns(false)} rowKey={(o) => o.name} />
          )}
        </Panel>
      </Section>
      <RecoverySection cluster={row.name} />
      <Section title={t('cluster.connection')}>
        <Panel>
          <Details
            rows={[
              [t('cluster.server'), <span class="name">{s.server ?? '–'}</span>],
              [t('cluster.lastSeen'), s.lastSeen ? <Ago at={s.lastSeen} /> : '–'],
              [t('cluster.cpu'), `${cores(quantity(s.capacity?.cpu?.requested) * 1000)} / ${t('unit.cores', { n: cores(quantity(s.capacity?.cpu?.allocatable) * 1000) })}`],
              [t('cluster.memory'), `${memory(Math.round(quantity(s.capacity?.memory?.requested)))} / ${memory(Math.round(quantity(s.capacity?.memory?.allocatable)))}`],
            ]}
          />
        </Panel>
      </Section>
    </>
  );
}

function zoneColumns(cluster: string): Column<Zone>[] {
  return [
    { id: 'name', head: t('list.zone'), width: 'minmax(0, 1fr)', card: 'name', cell: (z) => <a href={to.nodes(cluster, `?zone=${encodeURIComponent(z.name)}`)}>{z.name || t('zone.none')}</a> },
    { id: 'nodes', head: t('cluster.nodesReady'), width: '110px', num: true, card: 'state', cell: (z) => `${z.ready} / ${z.nodes}` },
    { id: 'cpu', head: 'CPU', width: 'minmax(220px, 2fr)', cell: (z) => <Amount share={share(z.requested.cpuMilli, z.allocatable.cpuMilli)} label={t('cluster.cpu')} text={`${cores(z.requested.cpuMilli)} / ${cores(z.allocatable.cpuMilli)}`} /> },
    { id: 'memory', head: t('list.memory'), width: 'minmax(240px, 2fr)', cell: (z) => <Amount share={share(z.requested.memoryBytes, z.allocatable.memoryBytes)} label={t('cluster.memory')} text={`${memory(z.requested.memoryBytes)} / ${memory(z.allocatable.memoryBytes)}`} /> },
  ];
}

export function Amount({ share: part, label, text }: { share: number; label: string; text: string }) {
  return (
    <span class="amount">
      <Bar share={part} label={label} /> <span class="dim">{text}</span>
    </span>
  );
}

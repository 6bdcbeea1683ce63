import { query, segment } from '../api/client';
import type { Pod, Volume } from '../api/inventory';
import { bytes } from '../lang/render';
import { cores, memory } from '../format';
import { t, text } from '../lang';
import type { Column } from '../list/columns';
import { List } from '../list/list';
import { useReading } from '../live/reading';
import { Events } from '../parts/events';
import { Details, Fact, Facts, Panel, Section } from '../parts/facts';
import { Mark, Tag } from '../parts/mark';
import { PageHead } from '../parts/page';
import { Failure, Loading } from '../parts/states';
import { Tabs } from '../parts/tabs';
import { Ago } from '../parts/time';
import { Yaml } from '../parts/yaml';
import { place, to } from '../route';
import { budgetColumns } from './budgets';
import { OwnerLink, PodMark } from './podcolumns';

export function PodPage({ cluster, namespace, name }: { cluster: string; namespace: string; name: string }) {
  const { data, error, reload } = useReading<Pod>(`/kanrin/v1/clusters/${segment(cluster)}/pods/${segment(namespace)}/${segment(name)}`, [{ cluster, area: 'pods' }]);
  const tab = place.value.query.get('tab') ?? 'facts';
  return (
    <>
      <PageHead
        title={name}
        crumbs={
          <>
            <a class="name" href={to.cluster(cluster)}>
              {cluster}
            </a>{' '}
            / <a href={to.pods(cluster)}>{t('nav.pods')}</a> / <a class="name" href={to.pods(cluster, `?namespace=${encodeURIComponent(namespace)}`)}>{namespace}</a>
          </>
        }
        beside={data && <PodMark pod={data} />}
      />
      {error && <Failure error={error} retry={reload} what={`${namespace}/${name}`} />}
      {!data && !error && <Loading what={name} rows={8} />}
      {data && (
        <>
          {data.reason && data.state !== 'Running' && <p class="notice warn">{data.reason}</p>}
          <Facts>
            <Fact label={t('list.node')}>{data.node ? <a class="name" href={to.node(cluster, data.node)}>{data.node}</a> : '–'}</Fact>
            <Fact label={t('list.zone')}>{data.zone ?? '–'}</Fact>
            <Fact label={t('pods.ready')}>{`${data.ready} / ${data.total}`}</Fact>
            <Fact label={t('pods.restarts')}>{data.restarts}</Fact>
            <Fact label="CPU">{cores(data.requests.cpuMilli)}</Fact>
            <Fact label={t('list.memory')}>{memory(data.requests.memoryBytes)}</Fact>
          </Facts>
          <Tabs
            label={t('pods.views')}
            tabs={[
              { id: 'facts', label: t('node.facts') },
              { id: 'events', label: t('events.title') },
              { id: 'yaml', label: 'YAML' },
            ]}
          />
          {tab === 'facts' && <PodFacts cluster={cluster} pod={data} />}
          {tab === 'events' && (
            <Panel>
              <Events cluster={cluster} kind="Pod" namespace={namespace} name={name} />
            </Panel>
          )}
          {tab === 'yaml' && <Yaml path={`/kanrin/v1/clusters/${segment(cluster)}/objects${query({ kind: 'Pod', namespace, name })}`} />}
        </>
      )}
    </>
  );
}

function PodFacts({ cluster, pod }: { cluster: string; pod: Pod }) {
  return (
    <>
      <Section title={t('pods.inDrain')}>
        <Panel>
          <Details
            rows={[
              [t('pods.class'), <span>{text(`class.${pod.class}`) ?? pod.class} <span class="dim">– {text(`class.${pod.class}.text`)}</span></span>],
              [t('pods.owner'), <OwnerLink cluster={cluster} pod={pod} />],
              pod.localData && pod.localData.length > 0 && [
                t('pods.localData'),
                <span>
                  {pod.localData.map((d) => (
                    <Tag key={d} tone="warn">
                      <span class="name">{d}</span>
                    </Tag>
                  ))}{' '}
                  <span class="dim">{t('pods.localDataText')}</span>
                </span>,
              ],
              ['IP', <span class="name">{pod.ip || '–'}</span>],
              [t('node.created'), <Ago at={pod.created} />],
            ]}
          />
        </Panel>
      </Section>
      {pod.budgets && pod.budgets.length > 0 && (
        <Section title={pod.budgets.length > 1 ? t('budgets.several', { n: pod.budgets.length }) : t('budgets.title')}>
          <Panel>
            <List label={t('budgets.title')} rows={pod.budgets} columns={budgetColumns()} rowKey={(b) => b.name} />
          </Panel>
        </Section>
      )}
      {pod.volumes && pod.volumes.length > 0 && (
        <Section title={t('volumes.title')}>
          <Panel>
            <List label={t('volumes.title')} rows={pod.volumes} columns={volumeColumns()} rowKey={(v) => v.claim} />
          </Panel>
        </Section>
      )}
    </>
  );
}

function volumeColumns(): Column<Volume>[] {
  return [
    { id: 'claim', head: t('volumes.claim'), width: 'minmax(0, 2fr)', card: 'name', cell: (v) => <span class="name">{v.claim}</span> },
    { id: 'state', head: t('list.state'), width: '130px', card: 'state', cell: (v) => <Mark tone={v.bound ? 'ok' : 'warn'}>{v.bound ? t('volumes.bound') : t('volumes.unbound')}</Mark> },
    { id: 'where', head: t('volumes.where'), width: 'minmax(0, 2fr)', cell: (v) => where(v) },
    { id: 'class', head: t('volumes.class'), width: 'minmax(0, 1fr)', cell: (v) => v.class || '–' },
    { id: 'bytes', head: t('volumes.size'), width: '96px', num: true, cell: (v) => (v.bytes ? bytes(v.bytes) : '–') },
  ];
}

function where(v: Volume): string {
  if (v.nodes && v.nodes.length > 0) return t('volumes.nodes', { nodes: v.nodes.join(', ') });
  if (v.zones && v.zones.length > 0) return t('volumes.zones', { zones: v.zones.join(', ') });
  return t('volumes.anywhere');
}

import { query, segment } from '../api/client';
import type { Workload } from '../api/inventory';
import { cores, memory } from '../format';
import { t } from '../lang';
import { List } from '../list/list';
import { PagedList } from '../list/pagedlist';
import { useReading } from '../live/reading';
import { Events } from '../parts/events';
import { Details, Fact, Facts, Panel, Section } from '../parts/facts';
import { PageHead } from '../parts/page';
import { Failure, Loading } from '../parts/states';
import { Tabs } from '../parts/tabs';
import { Ago } from '../parts/time';
import { Yaml } from '../parts/yaml';
import { place, to } from '../route';
import { budgetColumns } from './budgets';
import { podColumns } from './podcolumns';
import { WorkloadMark, ZoneSpread } from './workloads';

export function WorkloadPage({ cluster, kind, namespace, name }: { cluster: string; kind: string; namespace: string; name: string }) {
  const { data, error, reload } = useReading<Workload>(`/kanrin/v1/clusters/${segment(cluster)}/workloads/${segment(kind)}/${segment(namespace)}/${segment(name)}`, [
    { cluster, area: 'workloads' },
    { cluster, area: 'pods' },
  ]);
  const tab = place.value.query.get('tab') ?? 'pods';
  return (
    <>
      <PageHead
        title={name}
        crumbs={
          <>
            <a class="name" href={to.cluster(cluster)}>
              {cluster}
            </a>{' '}
            / <a href={to.workloads(cluster)}>{t('nav.workloads')}</a> / <a class="name" href={to.workloads(cluster, `?namespace=${encodeURIComponent(namespace)}`)}>{namespace}</a>
          </>
        }
        beside={
          <>
            <span class="dim">{kind}</span> {data && <WorkloadMark workload={data} />}
          </>
        }
      />
      {error && <Failure error={error} retry={reload} what={`${kind} ${namespace}/${name}`} />}
      {!data && !error && <Loading what={name} rows={8} />}
      {data && (
        <>
          {data.reason && data.state !== 'Healthy' && <p class="notice warn">{data.reason}</p>}
          <Facts>
            <Fact label={t('pods.ready')}>{`${data.ready} / ${data.desired}`}</Fact>
            <Fact label={t('zone.title')}>
              <ZoneSpread zones={data.zones} />
            </Fact>
            <Fact label="CPU">{cores(data.requests.cpuMilli)}</Fact>
            <Fact label={t('list.memory')}>{memory(data.requests.memoryBytes)}</Fact>
            {data.priority && <Fact label={t('workloads.priority')}>{data.priority}</Fact>}
          </Facts>
          {data.budgets && data.budgets.length > 0 && (
            <Section title={data.budgets.length > 1 ? t('budgets.several', { n: data.budgets.length }) : t('budgets.title')}>
              <Panel>
                <List label={t('budgets.title')} rows={data.budgets} columns={budgetColumns()} rowKey={(b) => b.name} />
              </Panel>
            </Section>
          )}
          <Tabs
            label={t('workloads.views')}
            tabs={[
              { id: 'pods', label: t('nav.pods') },
              { id: 'facts', label: t('node.facts') },
              { id: 'events', label: t('events.title') },
              { id: 'yaml', label: 'YAML' },
            ]}
          />
          {tab === 'pods' && (
            <PagedList
              label={t('nav.pods')}
              path={`/kanrin/v1/clusters/${segment(cluster)}/pods${query({ owner: `${kind}/${namespace}/${name}`, sort: place.value.query.get('sort') ?? undefined })}`}
              watched={[{ cluster, area: 'pods' }]}
              columns={podColumns(cluster, ['namespace', 'owner'])}
              rowKey={(p) => p.uid}
              initial="name"
              empty={<p class="quiet-note">{t('workloads.noPods')}</p>}
            />
          )}
          {tab === 'facts' && (
            <Panel>
              <Details
                rows={[
                  [t('workloads.images'), <span class="name">{data.images?.join(', ') || '–'}</span>],
                  data.surgedBy !== undefined && data.surgedBy !== '' && [t('workloads.surgedBy'), <a class="name" href={to.operation(cluster, data.surgedBy)}>{data.surgedBy}</a>],
                  [t('node.created'), <Ago at={data.created} />],
                ]}
              />
            </Panel>
          )}
          {tab === 'events' && (
            <Panel>
              <Events cluster={cluster} kind={kind} namespace={namespace} name={name} />
            </Panel>
          )}
          {tab === 'yaml' && <Yaml path={`/kanrin/v1/clusters/${segment(cluster)}/objects${query({ kind, namespace, name })}`} />}
        </>
      )}
    </>
  );
}

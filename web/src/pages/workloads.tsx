import { useState } from 'preact/hooks';
import { segment } from '../api/client';
import type { Workload } from '../api/inventory';
import { cores, count, memory } from '../format';
import { t, text } from '../lang';
import type { Column } from '../list/columns';
import { PagedList } from '../list/pagedlist';
import { Panel } from '../parts/facts';
import { Pick, Search } from '../parts/filters';
import { Mark, Tag, type Tone } from '../parts/mark';
import { PageHead } from '../parts/page';
import { Empty } from '../parts/states';
import { Age } from '../parts/time';
import { place, to } from '../route';
import { BudgetMark } from './budgets';
import { useNamespaces } from './namespaces';
import { ClearFilters, filterOf } from './nodes';

const filters = ['q', 'kind', 'namespace', 'state'] as const;
export const kinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'ReplicaSet', 'Pod'] as const;

const tones: Record<Workload['state'], Tone> = { Healthy: 'ok', Progressing: 'run', Degraded: 'crit', Finished: 'idle' };

export function WorkloadMark({ workload: w }: { workload: Workload }) {
  return (
    <Mark tone={tones[w.state] ?? 'unknown'} {...(w.reason ? { title: w.reason } : {})}>
      {text(`workloadState.${w.state}`) ?? w.state}
    </Mark>
  );
}

export function WorkloadsPage({ cluster }: { cluster: string }) {
  const [total, setTotal] = useState<number>();
  const namespaces = useNamespaces(cluster);
  const filtered = filters.some((f) => place.value.query.get(f));
  return (
    <>
      <PageHead title={t('nav.workloads')} beside={<span class="dim">{total === undefined ? '' : count(total)}</span>} crumbs={<a class="name" href={to.cluster(cluster)}>{cluster}</a>} />
      <div class="toolbar">
        <Search label={t('workloads.search')} />
        <Pick label={t('list.kind')} param="kind" choices={kinds.map((k) => ({ value: k, label: k }))} />
        <Pick label={t('list.namespace')} param="namespace" choices={namespaces} />
        <Pick label={t('list.state')} param="state" choices={(['Healthy', 'Progressing', 'Degraded', 'Finished'] as const).map((s) => ({ value: s, label: t(`workloadState.${s}`) }))} />
      </div>
      <PagedList<Workload>
        label={t('nav.workloads')}
        path={`/kanrin/v1/clusters/${segment(cluster)}/workloads${filterOf([...filters, 'sort'])}`}
        watched={[
          { cluster, area: 'workloads' },
          { cluster, area: 'pods' },
        ]}
        columns={columns(cluster)}
        rowKey={(w) => `${w.kind}/${w.namespace}/${w.name}`}
        initial="name"
        onTotal={setTotal}
        empty={
          <Panel>
            {filtered ? (
              <Empty icon="workloads" title={t('list.noMatch')} action={<ClearFilters />} />
            ) : (
              <Empty icon="workloads" title={t('workloads.emptyTitle')} command="kubectl create deployment web --image=registry.local/web:1">
                {t('workloads.emptyText')}
              </Empty>
            )}
          </Panel>
        }
      />
    </>
  );
}

export function ZoneSpread({ zones }: { zones: Record<string, number> | undefined }) {
  const entries = Object.entries(zones ?? {}).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  if (entries.length === 0) return <span class="dim">–</span>;
  return (
    <span class="spread">
      {entries.map(([zone, n]) => (
        <span key={zone}>
          <span class="dim">{zone || '–'}</span> {n}
        </span>
      ))}
    </span>
  );
}

function columns(cluster: string): Column<Workload>[] {
  return [
    {
      id: 'name',
      head: t('list.name'),
      width: 'minmax(136px, 1.6fr)',
      sort: true,
      card: 'name',
      cell: (w) => (
        <>
          <a class="name" href={to.workload(cluster, w.kind, w.namespace, w.name)}>
            {w.name}
          </a>{' '}
          {w.surgedBy && <Tag tone="run">{t('workloads.surged')}</Tag>}
        </>
      ),
    },
    { id: 'kind', head: t('list.kind'), width: 'minmax(92px, .8fr)', sort: true, cell: (w) => w.kind },
    { id: 'namespace', head: t('list.namespace'), width: 'minmax(88px, .8fr)', sort: true, cell: (w) => <span class="name">{w.namespace}</span> },
    { id: 'state', head: t('list.state'), width: 'minmax(100px, .8fr)', sort: true, card: 'state', cell: (w) => <WorkloadMark workload={w} /> },
    { id: 'ready', head: t('pods.ready'), width: '56px', sort: true, num: true, cell: (w) => `${w.ready} / ${w.desired}` },
    { id: 'zones', head: t('zone.title'), width: 'minmax(100px, .8fr)', cell: (w) => <ZoneSpread zones={w.zones} /> },
    {
      id: 'budget',
      head: t('budgets.column'),
      width: 'minmax(196px, 1.3fr)',
      cell: (w) =>
        w.budgets && w.budgets.length > 0 ? (
          <span title={w.budgets.map((b) => `${b.name}: ${b.rule}`).join('\n')}>
            <BudgetMark budget={tightest(w)} /> {w.budgets.length > 1 && <Tag tone="warn">{t('budgets.count', { n: w.budgets.length })}</Tag>}
          </span>
        ) : (
          <span class="dim">–</span>
        ),
    },
    { id: 'requests', head: t('workloads.requests'), width: '96px', card: 'hide', cell: (w) => <span class="dim">{`${cores(w.requests.cpuMilli)} · ${memory(w.requests.memoryBytes)}`}</span> },
    { id: 'age', head: t('list.age'), width: '44px', sort: true, num: true, card: 'hide', cell: (w) => <Age at={w.created} /> },
  ];
}

function tightest(w: Workload) {
  const [first, ...rest] = w.budgets ?? [];
  if (!first) throw new Error('a workload without budgets has no tightest one');
  return rest.reduce((a, b) => (b.allowed < a.allowed ? b : a), first);
}

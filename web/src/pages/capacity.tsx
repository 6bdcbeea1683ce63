import { query, segment } from '../api/client';
import type { Capacity, Node, Page, PendingPod, ZoneLoss } from '../api/inventory';
import { cores, memory, percent, share } from '../format';
import { sentences, t } from '../lang';
import type { Column } from '../list/columns';
import { List } from '../list/list';
import { useReading } from '../live/reading';
import { Fact, Facts, Panel, Section } from '../parts/facts';
import { Mark } from '../parts/mark';
import { Failure, Loading } from '../parts/states';
import { Segments } from '../parts/tabs';
import { shortReason } from '../reason';
import { place, setQuery, to } from '../route';
import { ZoneMap } from './zonemap';

/** What the cluster can carry, and what stays pending when any one zone goes. */
export function CapacityView({ cluster }: { cluster: string }) {
  const base = `/kanrin/v1/clusters/${segment(cluster)}`;
  const watched = [
    { cluster, area: 'nodes' as const },
    { cluster, area: 'pods' as const },
  ];
  const { data, error, reload } = useReading<Capacity>(`${base}/capacity`, watched);
  const nodes = useReading<Page<Node>>(`${base}/nodes${query({ limit: 1000, sort: 'name' })}`, watched);
  if (!data) return error ? <Failure error={error} retry={reload} what={t('capacity.title')} /> : <Loading what={t('capacity.title')} rows={8} />;
  const zones = data.zones ?? [];
  const asked = place.value.query.get('lose') ?? '';
  const lost = zones.find((z) => z.name === asked);
  return (
    <>
      {error && <Failure error={error} retry={reload} what={t('capacity.title')} />}
      <Facts>
        <Fact label={t('cluster.cpu')}>
          {cores(data.requested.cpuMilli)} / {t('unit.cores', { n: cores(data.allocatable.cpuMilli) })}
        </Fact>
        <Fact label={t('cluster.memory')}>
          {memory(data.requested.memoryBytes)} / {memory(data.allocatable.memoryBytes)}
        </Fact>
        <Fact label={t('capacity.overhead')}>{percent(data.overhead)}</Fact>
        <Fact label={t('capacity.sized')}>{data.sized ? <Mark tone="ok">{t('capacity.sizedYes')}</Mark> : <Mark tone="warn">{t('capacity.sizedNo')}</Mark>}</Fact>
      </Facts>
      <Section title={t('capacity.zones')}>
        <Panel>
          <List label={t('capacity.zones')} rows={zones} columns={lossColumns()} rowKey={(z) => z.name} />
        </Panel>
      </Section>
      <Section
        title={t('capacity.whatIf')}
        aside={
          <Segments
            label={t('capacity.whatIf')}
            value={lost?.name ?? ''}
            options={[{ id: '', label: t('capacity.asIs') }, ...zones.map((z) => ({ id: z.name, label: t('capacity.loses', { zone: z.name || t('zone.none') }) }))]}
            onChoose={(id) => setQuery({ lose: id })}
          />
        }
      >
        {lost && <Verdict loss={lost} />}
        <Panel>
          {nodes.data ? (
            <ZoneMap cluster={cluster} nodes={nodes.data.items ?? []} {...(lost ? { lost: lost.name } : {})} />
          ) : (
            <Loading what={t('nav.nodes')} />
          )}
        </Panel>
        {lost && (lost.pending?.length ?? 0) > 0 && <Pending cluster={cluster} pods={lost.pending ?? []} zone={lost.name} />}
        {data.engine && <p class="rehearsed">{t('capacity.engine', { engine: data.engine })}</p>}
      </Section>
    </>
  );
}

function lossColumns(): Column<ZoneLoss>[] {
  return [
    { id: 'name', head: t('list.zone'), width: 'minmax(56px, .6fr)', card: 'name', cell: (z) => <b>{z.name || t('zone.none')}</b> },
    { id: 'nodes', head: t('nav.nodes'), width: '56px', num: true, cell: (z) => z.nodes },
    { id: 'share', head: t('capacity.share'), width: '248px', cell: (z) => <Share loss={z} /> },
    { id: 'lost', head: t('capacity.move'), width: '96px', num: true, cell: (z) => z.lostPods },
    {
      id: 'pending',
      head: t('capacity.ifLost'),
      width: 'minmax(176px, 1.4fr)',
      card: 'state',
      cell: (z) => {
        const n = z.pending?.length ?? 0;
        return n === 0 ? <Mark tone="ok">{t('capacity.allFit')}</Mark> : <Mark tone="warn">{t('capacity.stay', { n })}</Mark>;
      },
    },
    { id: 'short', head: t('capacity.shortfall'), width: 'minmax(130px, 1fr)', cell: (z) => shortfall(z) },
  ];
}

/** How full a zone is, with a tick at the limit up to which the others can take over. */
function Share({ loss }: { loss: ZoneLoss }) {
  const over = loss.share > loss.limit;
  return (
    <span class={`usage wide ${over ? 'high' : ''}`}>
      <span class="bar limited" role="img" aria-label={t('capacity.shareOf', { share: percent(loss.share), limit: percent(loss.limit) })}>
        <i style={{ width: `${Math.min(1, loss.share) * 100}%` }} />
        <em style={{ left: `${Math.min(1, loss.limit) * 100}%` }} />
      </span>
      <span class="n">{percent(loss.share)}</span> <span class="dim">{t('capacity.limit', { limit: percent(loss.limit) })}</span>
    </span>
  );
}

function shortfall(z: ZoneLoss): string {
  const parts = [];
  if (z.shortfall.cpuMilli > 0) parts.push(t('unit.cores', { n: cores(z.shortfall.cpuMilli) }));
  if (z.shortfall.memoryBytes > 0) parts.push(memory(z.shortfall.memoryBytes));
  return parts.length === 0 ? '–' : parts.join(' · ');
}

function Verdict({ loss }: { loss: ZoneLoss }) {
  const pending = loss.pending?.length ?? 0;
  const bound = loss.pending?.filter((p) => p.volume).length ?? 0;
  return (
    <p class={`notice ${pending > 0 ? 'warn' : 'ok'}`} role="status">
      <Mark tone={pending > 0 ? 'warn' : 'ok'}>
        {sentences(
          pending === 0 ? t('capacity.verdictFit', { zone: loss.name, n: loss.lostPods }) : t('capacity.verdictStay', { zone: loss.name, n: loss.lostPods, stay: pending }),
          bound > 0 && t('capacity.verdictBound', { n: bound }),
          shortfall(loss) !== '–' && t('capacity.verdictShort', { what: shortfall(loss) }),
        )}
      </Mark>
    </p>
  );
}

function Pending({ cluster, pods, zone }: { cluster: string; pods: readonly PendingPod[]; zone: string }) {
  const columns: Column<PendingPod>[] = [
    {
      id: 'pod',
      head: t('member.pod'),
      width: 'minmax(0, 1.6fr)',
      card: 'name',
      cell: (p) => {
        const [ns = '', name = ''] = p.pod.split('/');
        return (
          <a class="name" href={to.pod(cluster, ns, name)}>
            {p.pod}
          </a>
        );
      },
    },
    { id: 'cpu', head: 'CPU', width: '76px', num: true, cell: (p) => cores(p.cpuMilli) },
    { id: 'memory', head: t('list.memory'), width: '100px', num: true, cell: (p) => memory(p.memoryBytes) },
    { id: 'reason', head: t('capacity.reason'), width: 'minmax(0, 3fr)', card: 'line', cell: (p) => <span class="clip" title={p.reason}>{p.volume ? t('capacity.volume', { volume: p.volume }) : shortReason(p.reason)}</span> },
  ];
  return (
    <Section title={t('capacity.pendingTitle', { zone, n: pods.length })}>
      <Panel>
        <List label={t('capacity.pendingTitle', { zone, n: pods.length })} rows={pods} columns={columns} rowKey={(p) => p.pod} />
      </Panel>
    </Section>
  );
}

export function fillOf(n: Node): number {
  return Math.max(share(n.requested.cpuMilli, n.allocatable.cpuMilli), share(n.requested.memoryBytes, n.allocatable.memoryBytes));
}

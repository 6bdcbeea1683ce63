import type { Pod } from '../api/inventory';
import { text, t } from '../lang';
import type { Column } from '../list/columns';
import { Mark, Tag, type Tone } from '../parts/mark';
import { Age } from '../parts/time';
import { to } from '../route';

const tones: Record<string, Tone> = { Running: 'ok', Completed: 'idle', Succeeded: 'idle', Pending: 'warn', SchedulingGated: 'warn', ContainerCreating: 'run', PodInitializing: 'run', Terminating: 'run', Unknown: 'unknown' };

const wrong = /BackOff|Err|Fail|Evicted|Killed|Lost|Invalid|Exceeded/;

/** A pod's state is kubectl's word for it, in both languages: that is the word people search for. */
export function PodMark({ pod }: { pod: Pod }) {
  const unready = pod.state === 'Running' && pod.ready < pod.total;
  const tone = unready ? 'warn' : (tones[pod.state] ?? (wrong.test(pod.state) ? 'crit' : /^Init:/.test(pod.state) ? 'run' : 'warn'));
  return (
    <Mark tone={tone} {...(pod.reason ? { title: pod.reason } : {})}>
      {pod.state}
    </Mark>
  );
}

export function ownerHref(cluster: string, owner: string | undefined): string | undefined {
  const [kind, ns, name] = owner?.split('/') ?? [];
  return kind && ns && name ? to.workload(cluster, kind, ns, name) : undefined;
}

/** kubectl's short names. */
const short: Record<string, string> = { Deployment: 'deploy', StatefulSet: 'sts', DaemonSet: 'ds', ReplicaSet: 'rs', ReplicationController: 'rc', Job: 'job', CronJob: 'cj' };

export function OwnerLink({ cluster, pod }: { cluster: string; pod: Pod }) {
  const owner = pod.owner;
  const href = ownerHref(cluster, owner);
  const [kind, , name] = owner?.split('/') ?? [];
  if (!href) return pod.class === 'static' ? <span class="dim">{t('pods.kubelet')}</span> : <Tag>{t('pods.unmanaged')}</Tag>;
  return (
    <a class="name" href={href} title={owner}>
      {name} <span class="dim">{short[kind ?? ''] ?? kind}</span>
    </a>
  );
}

export function podColumns(cluster: string, without: readonly string[] = []): Column<Pod>[] {
  const all: Column<Pod>[] = [
    { id: 'name', head: t('list.name'), width: 'minmax(170px, 2.2fr)', sort: true, card: 'name', cell: (p) => <a class="name" href={to.pod(cluster, p.namespace, p.name)} title={`${p.namespace}/${p.name}`}>{p.name}</a> },
    { id: 'namespace', head: t('list.namespace'), width: 'minmax(88px, .8fr)', sort: true, cell: (p) => <span class="name">{p.namespace}</span> },
    { id: 'state', head: t('list.state'), width: 'minmax(142px, 1fr)', sort: true, card: 'state', cell: (p) => <PodMark pod={p} /> },
    { id: 'ready', head: t('pods.ready'), width: '48px', num: true, cell: (p) => `${p.ready} / ${p.total}` },
    { id: 'restarts', head: t('pods.restarts'), width: '60px', sort: true, num: true, cell: (p) => (p.restarts > 0 ? <span class={p.restarts > 5 ? 'warn' : ''}>{p.restarts}</span> : <span class="dim">0</span>) },
    { id: 'node', head: t('list.node'), width: 'minmax(56px, .6fr)', sort: true, cell: (p) => (p.node ? <a class="name" href={to.node(cluster, p.node)}>{p.node}</a> : '–') },
    { id: 'zone', head: t('list.zone'), width: '48px', card: 'hide', cell: (p) => p.zone ?? '–' },
    { id: 'owner', head: t('pods.owner'), width: 'minmax(128px, 1.3fr)', cell: (p) => <OwnerLink cluster={cluster} pod={p} /> },
    { id: 'class', head: t('pods.class'), width: '80px', card: 'hide', cell: (p) => <span class="dim">{text(`class.${p.class}`) ?? p.class}</span> },
    { id: 'age', head: t('list.age'), width: '48px', sort: true, num: true, card: 'hide', cell: (p) => <Age at={p.created} /> },
  ];
  return all.filter((c) => !without.includes(c.id));
}

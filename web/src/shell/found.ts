import { useEffect, useState } from 'preact/hooks';
import { get, query, segment } from '../api/client';
import { hostPages } from '../api/hosts';
import type { Node, OperationRow, Page, Pod, Workload } from '../api/inventory';
import { signOut } from '../api/signin';
import { choose, lang, t, text } from '../lang';
import type { IconName } from '../parts/icon';
import { go, to } from '../route';
import { wear } from '../theme';
import { askFor } from '../operation/ask';
import { openHelp } from './help';
import { useCluster, useOverview } from './overview';
import { useAreas } from './sidebar';

/** One line of the palette. */
export interface Found {
  key: string;
  icon: IconName;
  label: string;
  kind: string;
  mono?: boolean;
  run: () => void;
}

const perKind = 6;

/** What fits the words typed: places and commands at once, the cluster's objects as soon as the server has found them. */
export function useFound(typed: string): Found[] {
  const q = typed.trim();
  const cluster = useCluster();
  const clusters = useOverview().data?.clusters ?? [];
  const areas = useAreas();
  const [objects, setObjects] = useState<Found[]>([]);

  useEffect(() => {
    if (q === '' || !cluster) {
      setObjects([]);
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      void search(cluster, q, abort.signal).then((found) => {
        if (!abort.signal.aborted) setObjects(found);
      });
    }, 120);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [q, cluster]);

  const fixed: Found[] = [
    ...areas.map((a): Found => ({ key: `page/${a.id}`, icon: a.icon, label: a.label, kind: t('palette.page'), run: () => go(a.href) })),
    ...(cluster ? [{ key: 'page/capacity', icon: 'columns' as const, label: t('capacity.title'), kind: t('palette.page'), run: () => go(to.capacity(cluster)) }] : []),
    ...clusters.map((c): Found => ({ key: `cluster/${c.name}`, icon: 'clusters', label: c.name, mono: true, kind: t('nav.clusters'), run: () => go(to.cluster(c.name)) })),
    ...commands(),
  ];
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return [...fixed.filter((f) => words.every((w) => f.label.toLowerCase().includes(w) || f.key.includes(w))), ...objects];
}

function commands(): Found[] {
  const kind = t('palette.command');
  return [
    { key: 'command/language', icon: 'right', label: t('palette.language'), kind, run: () => void choose(lang.value === 'en' ? 'ja' : 'en') },
    { key: 'command/theme-light', icon: 'sun', label: t('palette.theme', { name: t('theme.light') }), kind, run: () => wear('light') },
    { key: 'command/theme-dark', icon: 'moon', label: t('palette.theme', { name: t('theme.dark') }), kind, run: () => wear('dark') },
    { key: 'command/theme-auto', icon: 'auto', label: t('palette.theme', { name: t('theme.auto') }), kind, run: () => wear('auto') },
    { key: 'command/keys', icon: 'right', label: t('help.title'), kind, run: openHelp },
    { key: 'command/signout', icon: 'right', label: t('me.signOut'), kind, run: () => void signOut() },
  ];
}

const verb = /^(drain|cordon|uncordon|ドレイン|退避)\s+(.*)$/i;

/** Objects whose name fits; "drain w3" finds what can be drained. */
async function search(cluster: string, q: string, abort: AbortSignal): Promise<Found[]> {
  const command = verb.exec(q);
  const words = command ? (command[2] ?? '') : q;
  const base = `/kanrin/v1/clusters/${segment(cluster)}`;
  const read = async <T>(path: string): Promise<T[]> => {
    try {
      return (await get<Page<T>>(path, abort)).items ?? [];
    } catch {
      return []; // one kind that cannot be read does not hide the others
    }
  };
  const suffix = query({ q: words, limit: perKind });
  const [nodes, hosts, workloads, pods, operations] = await Promise.all([
    read<Node>(`${base}/nodes${suffix}`),
    command ? [] : hostPages(cluster, new URLSearchParams({ q: words }))(0, perKind, abort).then((p) => p.items ?? [], () => []),
    command ? [] : read<Workload>(`${base}/workloads${suffix}`),
    command ? [] : read<Pod>(`${base}/pods${suffix}`),
    command ? [] : read<OperationRow>(`/kanrin/v1/operations${suffix}`),
  ]);
  const asked = command?.[1]?.toLowerCase();
  const type = asked === 'cordon' ? 'Cordon' : asked === 'uncordon' ? 'Uncordon' : 'Drain';
  const acts = (command || nodes.length <= 3 ? nodes : []).map(
      (n): Found => ({ key: `act/${n.name}`, icon: 'arrow', label: `${text(`type.${type}`) ?? type} ${n.name}`, kind: t('palette.command'), run: () => askFor({ cluster, type, nodes: [n.name] }) }),
    );
  return [
    ...(command ? acts : []),
    ...nodes.map((n): Found => ({ key: `node/${n.name}`, icon: 'nodes', label: n.name, mono: true, kind: t('nav.nodes'), run: () => go(to.node(cluster, n.name)) })),
    ...(command ? [] : acts),
    ...hosts.map((h): Found => ({ key: `host/${h.name}`, icon: 'hosts', label: h.name, mono: true, kind: t('nav.hosts'), run: () => go(to.host(cluster, h.name)) })),
    ...workloads.map(
      (w): Found => ({ key: `workload/${w.kind}/${w.namespace}/${w.name}`, icon: 'workloads', label: `${w.namespace}/${w.name}`, mono: true, kind: w.kind, run: () => go(to.workload(cluster, w.kind, w.namespace, w.name)) }),
    ),
    ...pods.map((p): Found => ({ key: `pod/${p.namespace}/${p.name}`, icon: 'pods', label: `${p.namespace}/${p.name}`, mono: true, kind: 'Pod', run: () => go(to.pod(cluster, p.namespace, p.name)) })),
    ...operations.map((o): Found => ({ key: `operation/${o.cluster}/${o.name}`, icon: 'operations', label: o.name, mono: true, kind: t('nav.operations'), run: () => go(to.operation(o.cluster, o.name)) })),
  ];
}

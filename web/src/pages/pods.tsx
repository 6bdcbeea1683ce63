import { useState } from 'preact/hooks';
import { segment } from '../api/client';
import type { Pod } from '../api/inventory';
import { count } from '../format';
import { t } from '../lang';
import { PagedList } from '../list/pagedlist';
import { Panel } from '../parts/facts';
import { Chip, Pick, Search } from '../parts/filters';
import { PageHead } from '../parts/page';
import { Empty } from '../parts/states';
import { place, to } from '../route';
import { useNamespaces } from './namespaces';
import { ClearFilters, filterOf } from './nodes';
import { podColumns } from './podcolumns';

const filters = ['q', 'namespace', 'node', 'owner', 'state'] as const;

export function PodsPage({ cluster }: { cluster: string }) {
  const [total, setTotal] = useState<number>();
  const namespaces = useNamespaces(cluster);
  const filtered = filters.some((f) => place.value.query.get(f));
  return (
    <>
      <PageHead title={t('nav.pods')} beside={<span class="dim">{total === undefined ? '' : count(total)}</span>} crumbs={<a class="name" href={to.cluster(cluster)}>{cluster}</a>} />
      <div class="toolbar">
        <Search label={t('pods.search')} />
        <Pick label={t('list.namespace')} param="namespace" choices={namespaces} />
        <Pick label={t('list.state')} param="state" choices={['Running', 'Pending', 'Terminating', 'Failed', 'CrashLoopBackOff', 'Completed'].map((s) => ({ value: s, label: s }))} />
        <Chip label={t('list.node')} param="node" />
        <Chip label={t('pods.owner')} param="owner" />
      </div>
      <PagedList<Pod>
        label={t('nav.pods')}
        path={`/kanrin/v1/clusters/${segment(cluster)}/pods${filterOf([...filters, 'sort'])}`}
        watched={[{ cluster, area: 'pods' }]}
        columns={podColumns(cluster)}
        rowKey={(p) => p.uid}
        initial="name"
        onTotal={setTotal}
        empty={
          <Panel>
            {filtered ? (
              <Empty icon="pods" title={t('list.noMatch')} action={<ClearFilters />} />
            ) : (
              <Empty icon="pods" title={t('pods.emptyTitle')} command="kubectl create deployment web --image=registry.local/web:1">
                {t('pods.emptyText')}
              </Empty>
            )}
          </Panel>
        }
      />
    </>
  );
}

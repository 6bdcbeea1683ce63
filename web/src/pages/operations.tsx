import { useState } from 'preact/hooks';
import type { OperationRow } from '../api/inventory';
import { count } from '../format';
import { t } from '../lang';
import { PagedList } from '../list/pagedlist';
import { Panel } from '../parts/facts';
import { Pick, Search } from '../parts/filters';
import { PageHead } from '../parts/page';
import { Empty } from '../parts/states';
import { place } from '../route';
import { useCluster, useOverview } from '../shell/overview';
import { ClearFilters, filterOf } from './nodes';
import { operationColumns } from './operationcolumns';

const filters = ['q', 'cluster', 'phase'] as const;
const phases = ['Pending', 'Planned', 'Running', 'Paused', 'Cancelling', 'Succeeded', 'Failed', 'Cancelled'] as const;

export function OperationsPage() {
  const clusters = useOverview().data?.clusters ?? [];
  const cluster = useCluster();
  const [total, setTotal] = useState<number>();
  const filtered = filters.some((f) => place.value.query.get(f));
  return (
    <>
      <PageHead title={t('nav.operations')} beside={<span class="dim">{total === undefined ? '' : count(total)}</span>} sub={<p>{t('operations.sub')}</p>} />
      <div class="toolbar">
        <Search label={t('operations.search')} />
        <Pick label={t('cluster.name')} param="cluster" choices={clusters.map((c) => ({ value: c.name, label: c.name }))} />
        <Pick label={t('list.state')} param="phase" choices={phases.map((p) => ({ value: p, label: t(`phase.${p}`) }))} />
      </div>
      <PagedList<OperationRow>
        label={t('nav.operations')}
        path={`/kanrin/v1/operations${filterOf(filters)}`}
        watched={[{ cluster: '*', area: 'operations' }]}
        columns={operationColumns(true)}
        rowKey={(o) => `${o.cluster}/${o.name}`}
        onTotal={setTotal}
        empty={
          <Panel>
            {filtered ? (
              <Empty icon="operations" title={t('list.noMatch')} action={<ClearFilters />} />
            ) : (
              <Empty icon="operations" title={t('operations.emptyTitle')} command={`kanrin drain w3 --cluster ${cluster ?? 'demo'}`}>
                {t('operations.emptyText')}
              </Empty>
            )}
          </Panel>
        }
      />
    </>
  );
}

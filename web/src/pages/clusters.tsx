import { t } from '../lang';
import { List } from '../list/list';
import { Panel } from '../parts/facts';
import { PageHead } from '../parts/page';
import { Empty, Failure, Loading } from '../parts/states';
import { useOverview } from '../shell/overview';
import { AddClusterButton } from './addcluster';
import { clusterColumns } from './clustercolumns';

export function ClustersPage() {
  const { data, error, reload } = useOverview();
  const clusters = data?.clusters ?? [];
  return (
    <>
      <PageHead title={t('nav.clusters')} sub={<p>{t('clusters.sub')}</p>} actions={clusters.length > 0 && <AddClusterButton />} />
      {error && <Failure error={error} retry={reload} what={t('nav.clusters')} />}
      {!data && !error && <Loading what={t('nav.clusters')} />}
      {data && (
        <Panel>
          {clusters.length === 0 ? (
            <Empty icon="clusters" title={t('clusters.emptyTitle')} command="kanrin cluster add prod --kubeconfig ~/.kube/config" action={<AddClusterButton />}>
              {t('clusters.emptyText')}
            </Empty>
          ) : (
            <List label={t('nav.clusters')} rows={clusters} columns={clusterColumns()} rowKey={(c) => c.name} />
          )}
        </Panel>
      )}
    </>
  );
}

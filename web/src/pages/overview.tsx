import type { ClusterRow, OperationRow } from '../api/inventory';
import type { Finding } from '../api/v1alpha1';
import { memory } from '../format';
import { sentences, t } from '../lang';
import { List } from '../list/list';
import { bySeverity, FindingRow } from '../parts/finding';
import { Panel, Section } from '../parts/facts';
import { PageHead } from '../parts/page';
import { Empty, Failure, Loading } from '../parts/states';
import { to } from '../route';
import { useOverview } from '../shell/overview';
import { clusterColumns } from './clustercolumns';
import { AddClusterButton } from './addcluster';
import { operationColumns } from './operationcolumns';
import { useState } from 'preact/hooks';
import { Remedy } from './remedy';

interface Needs {
  cluster: string;
  finding: Finding;
}

/** "Is everything all right, and what needs me?" */
export function OverviewPage() {
  const { data, error, reload } = useOverview();
  const clusters = data?.clusters ?? [];
  const needs: Needs[] = clusters
    .flatMap((c) => findingsOf(c).map((finding) => ({ cluster: c.name, finding })))
    .filter((n) => n.finding.severity !== 'info')
    .sort((a, b) => bySeverity(a.finding, b.finding));
  return (
    <>
      <PageHead title={t('nav.overview')} sub={data ? <p>{headline(clusters, needs)}</p> : undefined} />
      {error && <Failure error={error} retry={reload} what={t('nav.overview')} />}
      {data?.diskFull && <p class="notice crit">{t('overview.diskFull', { free: memory(data.diskFreeBytes ?? 0) })}</p>}
      {!data && !error && <Loading what={t('nav.overview')} rows={6} />}
      {data && clusters.length === 0 && (
        <Panel>
          <Empty icon="clusters" title={t('clusters.emptyTitle')} command="kanrin cluster add prod --kubeconfig ~/.kube/config" action={<AddClusterButton />}>
            {t('clusters.emptyText')}
          </Empty>
        </Panel>
      )}
      {clusters.length > 0 && (
        <>
          <Panel>
            <List label={t('nav.clusters')} rows={clusters} columns={clusterColumns()} rowKey={(c) => c.name} />
          </Panel>
          <NeedsYou needs={needs} several={clusters.length > 1} />
          <Operations clusters={clusters} />
        </>
      )}
    </>
  );
}

export function findingsOf(c: ClusterRow): Finding[] {
  return c.findings ?? c.status.findings ?? [];
}

function headline(clusters: readonly ClusterRow[], needs: readonly Needs[]): string {
  const nodes = clusters.reduce((n, c) => n + (c.status.nodes?.total ?? 0), 0);
  const urgent = needs.filter((n) => n.finding.severity === 'blocker').length;
  const head = t('overview.counts', { clusters: clusters.length, nodes });
  if (needs.length === 0) return sentences(head, t('overview.calm'));
  return sentences(head, urgent > 0 ? t('overview.urgent', { n: urgent }) : t('overview.needs', { n: needs.length }));
}

const few = 6;

function NeedsYou({ needs, several }: { needs: readonly Needs[]; several: boolean }) {
  const [all, setAll] = useState(false);
  return (
    <Section title={t('overview.needsYou')}>
      <Panel>
        {needs.length === 0 ? (
          <p class="quiet-note">
            <span class="mark ok">
              <i aria-hidden="true" />
            </span>{' '}
            {t('overview.nothing')}
          </p>
        ) : (
          <ul class="findings">
            {(all ? needs : needs.slice(0, few)).map(({ cluster, finding }, i) => (
              <FindingRow key={`${cluster}/${finding.code}/${finding.object}/${i}`} cluster={cluster} finding={finding} showCluster={several} standing>
                <Remedy cluster={cluster} finding={finding} />
              </FindingRow>
            ))}
          </ul>
        )}
        {!all && needs.length > few && (
          <button type="button" class="more-rows" onClick={() => setAll(true)}>
            {t('list.showAll', { n: needs.length })}
          </button>
        )}
      </Panel>
    </Section>
  );
}

function Operations({ clusters }: { clusters: readonly ClusterRow[] }) {
  const running = clusters.flatMap((c) => c.running ?? []);
  const recent = clusters.flatMap((c) => c.recent ?? []).filter((r) => !running.some((o) => o.cluster === r.cluster && o.name === r.name));
  const newest = (a: OperationRow, b: OperationRow) => Date.parse(b.created) - Date.parse(a.created);
  const rows = [...running.sort(newest), ...recent.sort(newest)].slice(0, 8);
  const first = clusters[0]?.name ?? '';
  return (
    <Section
      title={t('nav.operations')}
      aside={
        <a class="aside" href={to.operations()}>
          {t('overview.allOperations')}
        </a>
      }
    >
      <Panel>
        {rows.length === 0 ? (
          <Empty icon="operations" title={t('operations.emptyTitle')} command={`kanrin drain w3 --cluster ${first}`}>
            {t('operations.emptyText')}
          </Empty>
        ) : (
          <List label={t('nav.operations')} rows={rows} columns={operationColumns(clusters.length > 1)} rowKey={(o) => `${o.cluster}/${o.name}`} />
        )}
      </Panel>
    </Section>
  );
}

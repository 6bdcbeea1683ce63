import { missing, useAccess } from '../api/access';
import { query, segment } from '../api/client';
import type { Node } from '../api/inventory';
import { cores, memory, share } from '../format';
import { t } from '../lang';
import { PagedList } from '../list/pagedlist';
import { useReading } from '../live/reading';
import { askFor } from '../operation/ask';
import { Action } from '../parts/button';
import { Events } from '../parts/events';
import { Details, Fact, Facts, Panel } from '../parts/facts';
import { Tag } from '../parts/mark';
import { PageHead } from '../parts/page';
import { Failure, Loading } from '../parts/states';
import { Tabs } from '../parts/tabs';
import { Ago } from '../parts/time';
import { Yaml } from '../parts/yaml';
import { place, to } from '../route';
import { Amount } from './cluster';
import { CordonTag, NodeMark } from './nodestate';
import { podColumns } from './podcolumns';

export function NodePage({ cluster, name }: { cluster: string; name: string }) {
  const { data, error, reload } = useReading<Node>(`/kanrin/v1/clusters/${segment(cluster)}/nodes/${segment(name)}`, [{ cluster, area: 'nodes' }]);
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
            / <a href={to.nodes(cluster)}>{t('nav.nodes')}</a>
          </>
        }
        beside={
          data && (
            <>
              <NodeMark node={data} /> <CordonTag cluster={cluster} node={data} />
            </>
          )
        }
        actions={data && <NodeActions cluster={cluster} node={data} />}
      />
      {error && <Failure error={error} retry={reload} what={name} />}
      {!data && !error && <Loading what={name} rows={8} />}
      {data && <NodeFacts node={data} />}
      {data && (
        <>
          <Tabs
            label={t('node.views')}
            tabs={[
              { id: 'pods', label: t('nav.pods'), count: data.pods },
              { id: 'facts', label: t('node.facts') },
              { id: 'events', label: t('events.title') },
              { id: 'yaml', label: 'YAML' },
            ]}
          />
          {tab === 'pods' && (
            <PagedList
              label={t('nav.pods')}
              path={`/kanrin/v1/clusters/${segment(cluster)}/pods${query({ node: name, sort: place.value.query.get('sort') ?? undefined })}`}
              watched={[{ cluster, area: 'pods' }]}
              columns={podColumns(cluster, ['node'])}
              rowKey={(p) => p.uid}
              initial="name"
              empty={<p class="quiet-note">{t('node.noPods')}</p>}
            />
          )}
          {tab === 'facts' && <NodeDetails node={data} />}
          {tab === 'events' && (
            <Panel>
              <Events cluster={cluster} kind="Node" name={name} />
            </Panel>
          )}
          {tab === 'yaml' && <Yaml path={`/kanrin/v1/clusters/${segment(cluster)}/objects${query({ kind: 'Node', name })}`} />}
        </>
      )}
    </>
  );
}

function NodeActions({ cluster, node }: { cluster: string; node: Node }) {
  const access = useAccess(cluster);
  const why = missing(access, 'create', 'operations', cluster);
  const nodes = [node.name];
  return (
    <>
      <Action kind="primary" why={why} onClick={() => askFor({ cluster, type: 'Drain', nodes })}>
        {t('node.drain')}
      </Action>
      {node.unschedulable ? (
        <Action why={why} onClick={() => askFor({ cluster, type: 'Uncordon', nodes })}>
          {t('node.uncordon')}
        </Action>
      ) : (
        <Action why={why} onClick={() => askFor({ cluster, type: 'Cordon', nodes })}>
          {t('node.cordon')}
        </Action>
      )}
      {node.state !== 'Ready' && (
        <Action why={why ?? (node.roles?.includes('control-plane') ? t('node.recoverNot') : undefined)} onClick={() => askFor({ cluster, type: 'Recover', node: node.name })}>
          {t('node.recover')}
        </Action>
      )}
      <Action why={why} onClick={() => askFor({ cluster, type: 'Restart', nodes })}>
        {t('node.restart')}
      </Action>
      <Action why={why} onClick={() => askFor({ cluster, type: 'RemoveNode', node: node.name })}>
        {t('node.remove')}
      </Action>
    </>
  );
}

function NodeFacts({ node: n }: { node: Node }) {
  return (
    <>
      {n.state !== 'Ready' && (n.stateReason || n.stateMessage) && (
        <p class="notice crit" role="alert">
          {[n.stateReason, n.stateMessage].filter(Boolean).join(': ')}
        </p>
      )}
      <Facts>
        <Fact label={t('nodes.role')}>{n.roles?.join(', ') || '–'}</Fact>
        <Fact label={t('list.zone')}>{n.zone ?? '–'}</Fact>
        <Fact label={t('cluster.version')}>
          <span class="name">{n.version}</span>
        </Fact>
        <Fact label={t('cluster.cpu')}>
          <Amount share={share(n.requested.cpuMilli, n.allocatable.cpuMilli)} label={t('cluster.cpu')} text={`${cores(n.requested.cpuMilli)} / ${cores(n.allocatable.cpuMilli)}`} />
        </Fact>
        <Fact label={t('cluster.memory')}>
          <Amount share={share(n.requested.memoryBytes, n.allocatable.memoryBytes)} label={t('cluster.memory')} text={`${memory(n.requested.memoryBytes)} / ${memory(n.allocatable.memoryBytes)}`} />
        </Fact>
        {n.pressure && n.pressure.length > 0 && (
          <Fact label={t('node.pressure')} tone="warn">
            {n.pressure.join(', ')}
          </Fact>
        )}
      </Facts>
    </>
  );
}

function NodeDetails({ node: n }: { node: Node }) {
  return (
    <Panel>
      <Details
        rows={[
          [t('node.addresses'), <span class="name">{n.addresses?.join(', ') || '–'}</span>],
          [t('node.os'), n.os || '–'],
          [t('node.kernel'), <span class="name">{n.kernel || '–'}</span>],
          [t('node.runtime'), <span class="name">{n.runtime || '–'}</span>],
          [t('node.podLimit'), n.allocatable.pods ?? '–'],
          [
            t('node.taints'),
            n.taints && n.taints.length > 0
              ? n.taints.map((taint) => (
                  <Tag key={taint}>
                    <span class="name">{taint}</span>
                  </Tag>
                ))
              : '–',
          ],
          [t('node.created'), <Ago at={n.created} />],
        ]}
      />
    </Panel>
  );
}

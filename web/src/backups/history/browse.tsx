import { useEffect, useMemo, useState } from 'preact/hooks';
import { missing, useAccess } from '../../api/access';
import { objectText, resourceText } from '../../api/backupcommand';
import type { Backup } from '../../api/backupkinds';
import { byCursor, snapshotPath } from '../../api/backups';
import { get } from '../../api/client';
import type { CursorPage, SnapshotItem, SnapshotSummary } from '../../api/inventory';
import { count } from '../../format';
import { t } from '../../lang';
import type { Column, Selection } from '../../list/columns';
import { PagedList } from '../../list/pagedlist';
import { useReading } from '../../live/reading';
import { narrow } from '../../narrow';
import { askFor } from '../../operation/ask';
import { ClearFilters } from '../../pages/nodes';
import { Action } from '../../parts/button';
import { Panel } from '../../parts/facts';
import { Pick, Search } from '../../parts/filters';
import { Empty, Failure, Loading } from '../../parts/states';
import { go, place } from '../../route';
import { type HistoryPlace, toObject, withQuery } from './place';

/** As many as one request may name. */
const most = 200;

/** The objects of a set, by resource. */
export function Browse({ cluster, set, at }: { cluster: string; set: Backup; at: HistoryPlace }) {
  const backup = set.metadata.name;
  const summary = useReading<SnapshotSummary>(snapshotPath(cluster, 'resources', { backup }));
  const spaces = useReading<CursorPage<SnapshotItem>>(snapshotPath(cluster, 'objects', { backup, resource: 'namespaces', limit: 2000 }));
  const access = useAccess(cluster);
  const [chosen, setChosen] = useState<ReadonlyMap<string, SnapshotItem>>(new Map());
  useEffect(() => setChosen(new Map()), [backup]);
  const { path, query: q } = place.value;
  const words = q.get('q') ?? '';
  const filtered = words !== '' || at.namespace !== '';
  const params = { backup, resource: at.resource || undefined, group: at.group || undefined, namespace: at.namespace || undefined, q: words || undefined };
  const listPath = snapshotPath(cluster, 'objects', params);
  const fetch = useMemo(
    () => byCursor<SnapshotItem>((limit, cursor, abort) => get(snapshotPath(cluster, 'objects', { ...params, limit, cursor: cursor || undefined }), abort)),
    [listPath],
  );
  const selection: Selection<SnapshotItem> = {
    has: (key) => chosen.has(key),
    label: (o) => t('history.choose', { name: objectText(o) }),
    toggle: (o) => {
      const next = new Map(chosen);
      if (!next.delete(objectText(o))) next.set(objectText(o), o);
      setChosen(next);
    },
  };
  const columns = useMemo(() => objectColumns(at.resource === ''), [at.resource, t('list.name')]);
  if (summary.error && !summary.data) return <Failure error={summary.error} retry={summary.reload} what={t('history.objects')} />;
  if (!summary.data) return <Loading what={t('history.objects')} rows={8} />;
  return (
    <div class="browse">
      <Resources summary={summary.data} at={at} />
      <div class="browse-list">
        <div class="toolbar">
          <Search label={t('history.search')} />
          <Pick label={t('list.namespace')} param="namespace" choices={(spaces.data?.items ?? []).map((n) => ({ value: n.name, label: n.name }))} />
        </div>
        {chosen.size > 0 && (
          <div class="chosen-bar" role="status">
            <b>{t('history.chosen', { n: chosen.size })}</b>
            <Action
              kind="primary"
              why={missing(access, 'create', 'operations', cluster) ?? (chosen.size > most ? t('history.tooMany', { n: most }) : undefined)}
              onClick={() => askFor({ cluster, type: 'RestoreObjects', backup, objects: [...chosen.values()] })}
            >
              {t('history.restore')}
            </Action>
            <Action onClick={() => setChosen(new Map())}>{t('history.unchoose')}</Action>
          </div>
        )}
        <PagedList<SnapshotItem>
          label={t('history.objects')}
          path={listPath}
          watched={[]}
          columns={columns}
          rowKey={objectText}
          selection={selection}
          fetch={fetch}
          empty={
            <Panel>
              <Empty icon="history" title={t(filtered ? 'list.noMatch' : 'history.noObjects')} action={filtered ? <ClearFilters /> : <a class="btn" href={withQuery(path, q, { resource: undefined, group: undefined })}>{t('history.allResources')}</a>} />
            </Panel>
          }
        />
      </div>
    </div>
  );
}

/** The resources of a set with their counts: beside the list, or a choice above it where there is no room. */
function Resources({ summary, at }: { summary: SnapshotSummary; at: HistoryPlace }) {
  const { path, query: q } = place.value;
  const known = summary.resources.some((r) => r.resource === at.resource && (r.group ?? '') === at.group);
  const rows = [...summary.resources].sort((a, b) => a.resource.localeCompare(b.resource) || (a.group ?? '').localeCompare(b.group ?? ''));
  if (at.resource !== '' && !known) rows.push({ resource: at.resource, group: at.group, count: 0 });
  const here = (resource?: string, group?: string) => withQuery(path, q, { resource, group });
  if (narrow.value) return <ResourcePick rows={rows} at={at} />;
  return (
    <nav class="resources" aria-label={t('history.resources')}>
      <a href={here()} aria-current={at.resource === '' ? 'page' : undefined}>
        <span>{t('history.allResources')}</span>
        <span class="n">{count(summary.objects)}</span>
      </a>
      {rows.map((r) => (
        <a key={resourceText(r)} href={here(r.resource, r.group)} aria-current={r.resource === at.resource && (r.group ?? '') === at.group ? 'page' : undefined} title={resourceText(r)}>
          <span class="clip">
            {r.resource}
            {r.group && <small>.{r.group}</small>}
          </span>
          <span class="n">{count(r.count)}</span>
        </a>
      ))}
    </nav>
  );
}

function ResourcePick({ rows, at }: { rows: SnapshotSummary['resources']; at: HistoryPlace }) {
  const { path, query: q } = place.value;
  const value = at.resource ? resourceText(at) : '';
  return (
    <label class="pick resource-pick">
      <span>{t('history.resources')}</span>
      <select
        value={value}
        onChange={(e) => {
          const row = rows.find((r) => resourceText(r) === e.currentTarget.value);
          go(withQuery(path, q, { resource: row?.resource, group: row?.group }));
        }}
      >
        <option value="">{t('history.allResources')}</option>
        {rows.map((r) => (
          <option key={resourceText(r)} value={resourceText(r)}>
            {resourceText(r)} ({count(r.count)})
          </option>
        ))}
      </select>
    </label>
  );
}

function objectColumns(mixed: boolean): Column<SnapshotItem>[] {
  return [
    {
      id: 'name',
      head: t('list.name'),
      width: 'minmax(160px, 2fr)',
      card: 'name',
      cell: (o) => (
        <a class="name" href={withQuery(place.value.path, place.value.query, toObject(o))} title={o.name}>
          {o.name}
        </a>
      ),
    },
    { id: 'namespace', head: t('list.namespace'), width: 'minmax(90px, 1fr)', cell: (o) => (o.namespace ? <span class="name">{o.namespace}</span> : <span class="none">–</span>) },
    ...(mixed ? [{ id: 'resource', head: t('history.resource'), width: 'minmax(110px, 1.2fr)', cell: (o: SnapshotItem) => <span class="name dim clip" title={resourceText(o)}>{resourceText(o)}</span> }] : []),
    { id: 'revision', head: t('set.revision'), width: '92px', num: true, card: 'hide', cell: (o) => <span class="name dim">{o.revision}</span> },
  ];
}

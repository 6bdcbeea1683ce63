import { useMemo } from 'preact/hooks';
import { objectText, resourceText } from '../../api/backupcommand';
import type { Backup } from '../../api/backupkinds';
import { byCursor, snapshotPath } from '../../api/backups';
import { get } from '../../api/client';
import type { SnapshotChange } from '../../api/inventory';
import { minute } from '../../format';
import { t } from '../../lang';
import type { Column } from '../../list/columns';
import { PagedList } from '../../list/pagedlist';
import { Panel } from '../../parts/facts';
import { Empty } from '../../parts/states';
import { place, setQuery } from '../../route';
import { timeOf } from '../state';
import { ChangeMark } from './marks';
import { direction, toObject, withQuery } from './place';

/** What was added, changed and removed between the chosen set and another one, by default the one before. */
export function Changes({ cluster, sets, set }: { cluster: string; sets: readonly Backup[]; set: Backup }) {
  const { query: q } = place.value;
  const index = sets.indexOf(set);
  const other = sets.find((s) => s.metadata.name === q.get('since')) ?? sets[index - 1] ?? sets[index + 1];
  const all = q.get('all') === 'true' ? 'true' : undefined;
  const ends = other && direction(sets, other.metadata.name, set.metadata.name);
  const params = { ...ends, all };
  const path = snapshotPath(cluster, 'changes', params);
  const fetch = useMemo(() => byCursor<SnapshotChange>((limit, cursor, abort) => get(snapshotPath(cluster, 'changes', { ...params, limit, cursor: cursor || undefined }), abort)), [path]);
  const columns = useMemo(() => changeColumns(ends?.from ?? '', ends?.to ?? ''), [ends?.from, ends?.to, t('list.name')]);
  if (!other || !ends) {
    return (
      <Panel>
        <p class="quiet-note">{t('history.oneSet')}</p>
      </Panel>
    );
  }
  return (
    <>
      <div class="toolbar">
        <label class="pick set">
          <span>{t('history.since')}</span>
          <select value={other.metadata.name} onChange={(e) => setQuery({ since: e.currentTarget.value })}>
            {[...sets]
              .reverse()
              .filter((s) => s !== set)
              .map((s) => (
                <option key={s.metadata.name} value={s.metadata.name}>
                  {minute(new Date(timeOf(s)))}
                </option>
              ))}
          </select>
        </label>
        <label class="toggle">
          <input type="checkbox" checked={all !== undefined} onChange={(e) => setQuery({ all: e.currentTarget.checked ? 'true' : undefined })} /> {t('history.noisy')}
        </label>
      </div>
      <PagedList<SnapshotChange>
        label={t('history.changes')}
        path={path}
        watched={[]}
        columns={columns}
        rowKey={objectText}
        fetch={fetch}
        empty={
          <Panel>
            <Empty icon="history" title={t('history.noChanges')} />
          </Panel>
        }
      />
    </>
  );
}

function changeColumns(from: string, to: string): Column<SnapshotChange>[] {
  return [
    { id: 'type', head: t('history.change'), width: '120px', card: 'state', cell: (c) => <ChangeMark type={c.type} /> },
    {
      id: 'name',
      head: t('list.name'),
      width: 'minmax(160px, 2fr)',
      card: 'name',
      cell: (c) => (
        // Of what is removed only the earlier set has anything to show.
        <a class="name" href={withQuery(place.value.path, place.value.query, { ...toObject(c), set: c.type === 'Removed' ? from : to, with: c.type === 'Removed' ? to : from, view: 'compare' })}>
          {c.name}
        </a>
      ),
    },
    { id: 'namespace', head: t('list.namespace'), width: 'minmax(90px, 1fr)', cell: (c) => (c.namespace ? <span class="name">{c.namespace}</span> : <span class="none">–</span>) },
    { id: 'resource', head: t('history.resource'), width: 'minmax(110px, 1.2fr)', cell: (c) => <span class="name dim">{resourceText(c)}</span> },
  ];
}

import { query, segment } from '../api/client';
import type { Event, Page } from '../api/inventory';
import { t } from '../lang';
import { useReading } from '../live/reading';
import { Mark } from './mark';
import { Failure, Loading } from './states';
import { Ago } from './time';

/** What the cluster's own components said about one object, newest first. */
export function Events({ cluster, kind, namespace, name }: { cluster: string; kind: string; namespace?: string; name: string }) {
  const path = `/kanrin/v1/clusters/${segment(cluster)}/events${query({ kind, namespace, name, limit: 100 })}`;
  const { data, error, reload } = useReading<Page<Event>>(path, [{ cluster, area: kind === 'Node' ? 'nodes' : 'pods' }]);
  if (!data) return error ? <Failure error={error} retry={reload} what={t('events.title')} /> : <Loading what={t('events.title')} />;
  const items = data.items ?? [];
  if (items.length === 0) return <p class="quiet-note">{t('events.none')}</p>;
  return (
    <ol class="events">
      {items.map((e, i) => (
        <li key={`${e.time}/${e.reason}/${i}`}>
          <span class="event-time">
            <Ago at={e.time} />
          </span>
          <Mark tone={e.type === 'Warning' ? 'warn' : 'idle'}>
            {e.type === 'Warning' && <span class="sr">{t('severity.warning')} </span>}
            <b>{e.reason}</b>
          </Mark>
          <span class="event-text">
            {e.message}
            {e.count !== undefined && e.count > 1 && <span class="dim"> ×{e.count}</span>}
            {e.source && <span class="dim"> · {e.source}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}

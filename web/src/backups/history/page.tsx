import { useMemo } from 'preact/hooks';
import type { Backup, KindList } from '../../api/backupkinds';
import { setsPath, watchedBackups } from '../../api/backups';
import { t } from '../../lang';
import { useReading } from '../../live/reading';
import { Panel } from '../../parts/facts';
import { PageHead } from '../../parts/page';
import { Empty, Failure, Loading } from '../../parts/states';
import { Segments } from '../../parts/tabs';
import { place, setQuery, to } from '../../route';
import { Browse } from './browse';
import { Changes } from './changes';
import { ObjectView } from './object';
import { placeIn, timeline } from './place';
import { TimeSlider } from './slider';

/** The cluster at any time that there is a set of: every object of it, what became of it, and the way back. */
export function HistoryPage({ cluster }: { cluster: string }) {
  const { data, error, reload } = useReading<KindList<Backup>>(setsPath(cluster), watchedBackups(cluster));
  const sets = useMemo(() => timeline(data?.items ?? []), [data]);
  const q = place.value.query;
  const at = placeIn(q);
  const found = sets.findIndex((s) => s.metadata.name === at.set);
  const index = found < 0 ? sets.length - 1 : found;
  const set = sets[index];
  const view = q.get('show') === 'changes' ? 'changes' : 'objects';
  return (
    <>
      <PageHead
        title={t('history.title')}
        crumbs={
          <>
            <a class="name" href={to.cluster(cluster)}>
              {cluster}
            </a>{' '}
            / <a href={to.backups(cluster)}>{t('nav.backups')}</a>
          </>
        }
        sub={<p>{t('history.sub')}</p>}
      />
      {error && <Failure error={error} retry={reload} what={t('backups.sets')} />}
      {!data && !error && <Loading what={t('backups.sets')} rows={8} />}
      {data && !set && (
        <Panel>
          <Empty icon="history" title={t('history.emptyTitle')} command={`kanrin backup create --cluster ${cluster}`}>
            {t('history.emptyText')}
          </Empty>
        </Panel>
      )}
      {set && (
        <>
          {at.set !== '' && found < 0 && <p class="notice warn">{t('history.setGone', { name: at.set })}</p>}
          <TimeSlider cluster={cluster} sets={sets} index={index} onChoose={(name) => setQuery({ set: name })} />
          {at.name === '' ? (
            <>
              <div class="history-views">
                <Segments
                  label={t('history.views')}
                  value={view}
                  options={[
                    { id: 'objects', label: t('history.objects') },
                    { id: 'changes', label: t('history.changes') },
                  ]}
                  onChoose={(id) => setQuery({ show: id === 'changes' ? id : undefined })}
                />
              </div>
              {view === 'changes' ? <Changes cluster={cluster} sets={sets} set={set} /> : <Browse cluster={cluster} set={set} at={at} />}
            </>
          ) : (
            <ObjectView cluster={cluster} sets={sets} set={set} object={{ resource: at.resource, group: at.group, namespace: at.namespace, name: at.name }} />
          )}
        </>
      )}
    </>
  );
}

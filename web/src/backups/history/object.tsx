import { useState } from 'preact/hooks';
import { missing, useAccess } from '../../api/access';
import { objectText, resourceText } from '../../api/backupcommand';
import type { Backup } from '../../api/backupkinds';
import { nameParams, snapshotPath } from '../../api/backups';
import type { SnapshotContent, SnapshotHistory } from '../../api/inventory';
import type { SnapshotObject } from '../../api/v1alpha1';
import { minute } from '../../format';
import { t, text } from '../../lang';
import { useReading } from '../../live/reading';
import { askFor } from '../../operation/ask';
import { Action } from '../../parts/button';
import { Copyable } from '../../parts/dialog';
import { Failure, Loading } from '../../parts/states';
import { Tabs } from '../../parts/tabs';
import { place } from '../../route';
import { Compare } from './compare';
import { ChangeSign, Legend } from './marks';
import { withQuery } from './place';

interface Props {
  cluster: string;
  sets: readonly Backup[];
  set: Backup;
  object: SnapshotObject;
}

/** One object at the chosen time, compared with another time, and over all sets. */
export function ObjectView({ cluster, sets, set, object }: Props) {
  const access = useAccess(cluster);
  const { path, query: q } = place.value;
  const backup = set.metadata.name;
  const view = q.get('view') ?? 'yaml';
  const history = useReading<SnapshotHistory>(snapshotPath(cluster, 'history', nameParams(object)));
  const version = history.data?.versions.find((v) => v.backup === backup);
  const absent = version && (version.change === 'Absent' || version.change === 'Removed');
  const up = withQuery(path, q, { name: undefined, view: undefined, with: undefined, namespace: undefined });
  return (
    <section class="object" aria-label={objectText(object)}>
      <div class="object-head">
        <div>
          <p class="crumbs">
            <a href={up}>{resourceText(object)}</a>
            {object.namespace && (
              <>
                {' '}
                / <span class="name">{object.namespace}</span>
              </>
            )}
          </p>
          <h2 class="name">{object.name}</h2>
        </div>
        <Action
          kind="primary"
          why={missing(access, 'create', 'operations', cluster) ?? (absent ? t('history.absentWhy') : undefined)}
          onClick={() => askFor({ cluster, type: 'RestoreObjects', backup, objects: [object] })}
        >
          {t('history.restore')}
        </Action>
      </div>
      {/* That no set has it is said below. */}
      {history.error && !history.data && history.error.code !== 404 && <Failure error={history.error} retry={history.reload} what={t('history.row')} />}
      {history.data && <Row history={history.data} backup={backup} />}
      <Tabs
        label={t('history.views')}
        param="view"
        tabs={[
          { id: 'yaml', label: 'YAML' },
          { id: 'compare', label: t('history.compare') },
        ]}
      />
      {view === 'compare' ? <Compare cluster={cluster} sets={sets} backup={backup} object={object} /> : <Content cluster={cluster} backup={backup} object={object} />}
    </section>
  );
}

/** The object in every set, oldest first: what each set found changed. Each mark leads to its time. */
function Row({ history, backup }: { history: SnapshotHistory; backup: string }) {
  const { path, query: q } = place.value;
  const versions = [...history.versions].reverse();
  return (
    <>
      <ol class="marks" aria-label={t('history.row')}>
        {versions.map((v) => {
          const label = `${minute(new Date(v.at))}: ${text(`change.${v.change}`) ?? v.change}`;
          return (
            <li key={v.backup}>
              <a href={withQuery(path, q, { set: v.backup })} aria-current={v.backup === backup ? 'true' : undefined} aria-label={label} title={label}>
                <ChangeSign type={v.change} />
              </a>
            </li>
          );
        })}
      </ol>
      <Legend />
    </>
  );
}

/** The object as it would stand in Git, at the chosen time. */
function Content({ cluster, backup, object }: { cluster: string; backup: string; object: SnapshotObject }) {
  const access = useAccess(cluster);
  const [reveal, setReveal] = useState(false);
  const [full, setFull] = useState(false);
  const path = snapshotPath(cluster, 'object', { backup, ...nameParams(object), reveal: reveal ? 'true' : undefined, full: full ? 'true' : undefined });
  const { data, error, reload } = useReading<SnapshotContent>(path);
  if (!data) return error ? <Failure error={error} {...(error.code !== 404 && { retry: reload })} what={objectText(object)} /> : <Loading what={objectText(object)} rows={10} />;
  return (
    <>
      <div class="toolbar">
        <span class="dim">{t('history.written', { revision: data.revision ?? 0 })}</span>
        <span class="spring" />
        <label class="toggle">
          <input type="checkbox" checked={full} onChange={(e) => setFull(e.currentTarget.checked)} /> {t('history.full')}
        </label>
        {(data.redacted || reveal) && (
          <Action small why={missing(access, 'get', 'snapshotsecrets', cluster)} onClick={() => setReveal(!reveal)}>
            {t(reveal ? 'history.hide' : 'history.reveal')}
          </Action>
        )}
      </div>
      {data.redacted && <p class="notice">{t('history.redacted')}</p>}
      <div class="yaml">
        <Copyable value={data.yaml} label={t('yaml.label')} />
      </div>
    </>
  );
}

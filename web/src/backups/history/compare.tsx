import { resourceText } from '../../api/backupcommand';
import type { Backup } from '../../api/backupkinds';
import { live, nameParams, snapshotPath } from '../../api/backups';
import type { SnapshotDiff } from '../../api/inventory';
import type { SnapshotObject } from '../../api/v1alpha1';
import { minute } from '../../format';
import { t, text } from '../../lang';
import { List } from '../../list/list';
import { useReading } from '../../live/reading';
import { Panel, Section } from '../../parts/facts';
import { Failure, Loading } from '../../parts/states';
import { Ago } from '../../parts/time';
import { place, setQuery } from '../../route';
import { timeOf } from '../state';
import { ChangeMark } from './marks';
import { countLines, diffLines, direction } from './place';

interface Props {
  cluster: string;
  sets: readonly Backup[];
  backup: string;
  object: SnapshotObject;
}

/** The object at the chosen time beside another time, by default now. */
export function Compare({ cluster, sets, backup, object }: Props) {
  const other = place.value.query.get('with') || live;
  const ends = direction(sets, backup, other === backup ? live : other);
  const { data, error, reload } = useReading<SnapshotDiff>(snapshotPath(cluster, 'diff', { ...ends, ...nameParams(object) }), ends.to === live ? [{ cluster, area: 'workloads' }] : []);
  return (
    <>
      <div class="toolbar">
        <label class="pick set">
          <span>{t('history.with')}</span>
          <select value={other === backup ? live : other} onChange={(e) => setQuery({ with: e.currentTarget.value === live ? undefined : e.currentTarget.value })}>
            <option value={live}>{t('history.now')}</option>
            {[...sets]
              .reverse()
              .filter((s) => s.metadata.name !== backup)
              .map((s) => (
                <option key={s.metadata.name} value={s.metadata.name}>
                  {minute(new Date(timeOf(s)))}
                </option>
              ))}
          </select>
        </label>
      </div>
      {!data && (error ? <Failure error={error} retry={reload} what={t('history.compare')} /> : <Loading what={t('history.compare')} rows={8} />)}
      {data && <Diff data={data} sets={sets} kind={resourceText(object)} />}
    </>
  );
}

function Diff({ data, sets, kind }: { data: SnapshotDiff; sets: readonly Backup[]; kind: string }) {
  const lines = diffLines(data.unified ?? '').filter((l) => l.kind !== 'file');
  const n = countLines(lines);
  const name = (end: string) => {
    const set = sets.find((s) => s.metadata.name === end);
    return end === live ? t('history.now') : set ? minute(new Date(timeOf(set))) : end;
  };
  const changes = data.changes ?? [];
  return (
    <>
      <p class="diff-head" role="status">
        <span>{t('history.fromTo', { from: name(data.from), to: name(data.to) })}</span> <ChangeMark type={data.type} />
        {data.unified && <span class="dim">{t('history.lines', { added: n.added, removed: n.removed })}</span>}
      </p>
      {data.type === 'Same' && (
        <Panel>
          <p class="quiet-note">{t('history.same')}</p>
        </Panel>
      )}
      {data.unified && (
        <Panel>
          <pre class="diff" tabIndex={0} aria-label={t('history.diff', { what: `${kind} ${data.name}` })}>
            {lines.map((l, i) => (
              <span key={i} class={l.kind}>
                {l.text === '' ? ' ' : l.text}
                {'\n'}
              </span>
            ))}
          </pre>
        </Panel>
      )}
      {changes.length > 0 && (
        <Section title={t('history.fields', { n: changes.length })}>
          <Panel>
            <List
              label={t('history.fields', { n: changes.length })}
              rows={changes}
              rowKey={(c) => c.path}
              columns={[
                { id: 'path', head: t('history.field'), width: 'minmax(0, 1.4fr)', card: 'name', cell: (c) => <span class="name clip" title={c.path}>{c.path}</span> },
                { id: 'type', head: t('history.change'), width: '110px', card: 'state', cell: (c) => <ChangeMark type={c.type} /> },
                { id: 'from', head: t('history.was'), width: 'minmax(0, 1fr)', card: 'line', cell: (c) => <Value of={c.from} /> },
                { id: 'to', head: t('history.is'), width: 'minmax(0, 1fr)', card: 'line', cell: (c) => <Value of={c.to} /> },
              ]}
            />
          </Panel>
        </Section>
      )}
      {data.by && data.by.length > 0 && (
        <Section title={t('history.by')}>
          <Panel>
            <ul class="authors">
              {data.by.map((a, i) => (
                <li key={i}>
                  <b class="name">{a.manager}</b> <span class="dim">{text(`write.${a.operation}`) ?? a.operation}</span> <Ago at={a.time} />
                </li>
              ))}
            </ul>
          </Panel>
        </Section>
      )}
    </>
  );
}

function Value({ of }: { of: string | undefined }) {
  return of === undefined || of === '' ? (
    <span class="none">–</span>
  ) : (
    <span class="name clip" title={of}>
      {of}
    </span>
  );
}

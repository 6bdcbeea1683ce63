import type { OperationRow } from '../api/inventory';
import { seconds } from '../format';
import { said, t, text } from '../lang';
import type { Column } from '../list/columns';
import { PhaseMark } from '../parts/mark';
import { Ago, Elapsed } from '../parts/time';
import { statusText } from '../operation/words';
import { to } from '../route';

export function operationTitle(o: OperationRow): string {
  return `${text(`type.${o.type}`) ?? o.type} ${o.target || o.name}`;
}

export function operationColumns(showCluster: boolean): Column<OperationRow>[] {
  return [
    {
      id: 'name',
      head: t('operations.operation'),
      width: 'minmax(120px, 1fr)',
      card: 'name',
      cell: (o) => (
        <a href={to.operation(o.cluster, o.name)} title={o.name}>
          {operationTitle(o)}
        </a>
      ),
    },
    ...(showCluster ? [{ id: 'cluster', head: t('cluster.name'), width: '88px', cell: (o: OperationRow) => <span class="name">{o.cluster}</span> }] : []),
    {
      id: 'phase',
      head: t('list.state'),
      width: '168px',
      card: 'state',
      cell: (o) => <PhaseMark value={o.phase} blocked={(o.blockers ?? 0) > 0} {...(o.stepText ? { step: o.stepText } : {})} />,
    },
    { id: 'why', head: t('operations.why'), width: 'minmax(0, 2.4fr)', card: 'line', cell: (o) => <span class="dim clip" title={whyOf(o)}>{whyOf(o)}</span> },
    { id: 'by', head: t('operations.by'), width: '84px', cell: (o) => <span class="name">{o.by}</span> },
    { id: 'created', head: t('operations.created'), width: '92px', sort: false, cell: (o) => <Ago at={o.created} /> },
    {
      id: 'took',
      head: t('operations.took'),
      width: '112px',
      num: true,
      cell: (o) => (o.started ? <Elapsed start={o.started} end={o.finished} /> : o.forecastSeconds && o.phase === 'Planned' ? <span class="dim">{t('op.about', { t: seconds(o.forecastSeconds) })}</span> : '–'),
    },
  ];
}

function whyOf(o: OperationRow): string {
  if (o.waiting) return said('wait', o.waiting.code, { object: o.waiting.object ?? '', ...o.waiting.params }, o.waiting.message);
  return o.reason ? statusText(o.reason, { name: o.name, digest: o.digest ?? '', ...o.params }, o.message) : '';
}

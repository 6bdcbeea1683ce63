import { query, segment } from '../api/client';
import type { Member, Operation } from '../api/v1alpha1';
import { seconds } from '../format';
import { said, t } from '../lang';
import type { Column } from '../list/columns';
import { PagedList } from '../list/pagedlist';
import { Pick } from '../parts/filters';
import { Tag } from '../parts/mark';
import { shortReason } from '../reason';
import { place, to } from '../route';
import { stepTitle } from './state';

/** Every pod that the plan touches: from where, expected where, under which budgets. */
export function Members({ op }: { op: Operation }) {
  const cluster = op.metadata.namespace;
  const step = place.value.query.get('step') ?? '';
  const steps = (op.status?.plan?.steps ?? []).filter((s) => (s.members ?? 0) > 0);
  const columns: Column<Member>[] = [
    {
      id: 'object',
      head: t('member.pod'),
      width: 'minmax(0, 2.2fr)',
      card: 'name',
      cell: (m) => {
        const [ns = '', name = ''] = m.object.split('/');
        return (
          <a class="name" href={to.pod(cluster, ns, name)}>
            {m.object}
          </a>
        );
      },
    },
    { id: 'action', head: t('member.action'), width: '110px', card: 'state', cell: (m) => (m.action === 'Delete' ? <Tag tone="crit">{t('member.delete')}</Tag> : said('member', m.action?.toLowerCase(), {}, m.action)) },
    { id: 'from', head: t('member.from'), width: '96px', cell: (m) => <span class="name">{m.from}</span> },
    {
      id: 'to',
      head: t('member.to'),
      width: 'minmax(0, 1.4fr)',
      cell: (m) => (m.to ? <span class="name">{m.to}</span> : m.pending ? <span class="warn" title={m.pending}>{t('member.pending')}: {shortReason(m.pending)}</span> : <span class="dim">{t('member.gone')}</span>),
    },
    { id: 'budgets', head: t('member.budgets'), width: 'minmax(0, 1.4fr)', cell: (m) => <span class="name">{m.budgets?.join(', ') || '–'}</span> },
    { id: 'grace', head: t('member.grace'), width: '96px', num: true, cell: (m) => (m.graceSeconds === undefined ? '–' : seconds(m.graceSeconds)) },
  ];
  const path = `/kanrin/v1/clusters/${segment(cluster)}/operations/${segment(op.metadata.name)}/members${query({ step, plan: op.status?.plan?.digest })}`;
  return (
    <>
      {steps.length > 1 && (
        <div class="toolbar">
          <Pick label={t('member.step')} param="step" choices={steps.map((s) => ({ value: s.id, label: stepTitle(s) }))} />
        </div>
      )}
      <PagedList<Member>
        label={t('op.members')}
        path={path}
        watched={[]}
        columns={columns}
        rowKey={(m) => `${m.step}/${m.object}`}
        empty={<p class="quiet-note">{t('op.membersEmpty')}</p>}
      />
    </>
  );
}

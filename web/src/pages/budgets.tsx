import type { Budget } from '../api/inventory';
import { t } from '../lang';
import type { Column } from '../list/columns';
import { Mark } from '../parts/mark';

/** A budget as it stands, and whether a pod may go now. */
export function budgetColumns(): Column<Budget>[] {
  return [
    { id: 'name', head: t('list.name'), width: 'minmax(0, 2fr)', card: 'name', cell: (b) => <span class="name">{b.name}</span> },
    { id: 'rule', head: t('budgets.rule'), width: 'minmax(0, 1.4fr)', cell: (b) => <span class="name">{b.rule}</span> },
    { id: 'healthy', head: t('budgets.healthy'), width: '160px', cell: (b) => t('budgets.healthyOf', { healthy: b.healthy, expected: b.expected, desired: b.desired }) },
    { id: 'allowed', head: t('budgets.allowed'), width: 'minmax(150px, 1fr)', card: 'state', cell: (b) => <BudgetMark budget={b} /> },
  ];
}

export function BudgetMark({ budget: b }: { budget: Budget }) {
  if (neverMet(b)) return <Mark tone="crit">{t('budgets.never')}</Mark>;
  return <Mark tone={b.allowed > 0 ? 'ok' : 'warn'}>{t('budgets.allows', { n: b.allowed })}</Mark>;
}

/** A budget that asks for as many healthy pods as there are can never spare one. */
export function neverMet(b: Budget): boolean {
  return b.allowed === 0 && b.expected > 0 && b.desired >= b.expected;
}

import { signal } from '@preact/signals';
import { t } from '../lang';
import { Dialog } from '../parts/dialog';

const open = signal(false);

export function openHelp(): void {
  open.value = true;
}

export function Help() {
  if (!open.value) return null;
  const rows: readonly (readonly [string, string])[] = [
    ['Ctrl K', t('help.palette')],
    ['/', t('help.search')],
    ['j  k', t('help.rows')],
    ['Enter', t('help.open')],
    ['x', t('help.choose')],
    ['Esc', t('help.escape')],
    ['g o', t('nav.overview')],
    ['g c', t('nav.clusters')],
    ['g n', t('nav.nodes')],
    ['g h', t('nav.hosts')],
    ['g w', t('nav.workloads')],
    ['g p', t('nav.pods')],
    ['g x', t('nav.operations')],
    ['?', t('help.help')],
  ];
  return (
    <Dialog title={t('help.title')} onClose={() => (open.value = false)}>
      <dl class="keys">
        {rows.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(/ +/).map((k) => (
                <kbd key={k}>{k}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

import { session } from '../api/session';
import { absolute, clock } from '../format';
import { live } from '../live/changes';
import { t } from '../lang';
import { Mark } from '../parts/mark';
import { openHelp } from './help';

/** Whether what is on screen is what is. */
export function Foot() {
  const { on, since } = live.value;
  return (
    <footer class={`foot ${on ? '' : 'cut'}`}>
      <span role="status">
        {on ? <Mark tone="ok">{t('foot.live')}</Mark> : <Mark tone="warn" title={absolute(since)}>{t('foot.stale', { at: clock(since) })}</Mark>}
      </span>
      <button type="button" class="quiet-link" onClick={() => openHelp()}>
        {t('foot.keys')} <kbd>?</kbd>
      </button>
      <span class="name clip">kanrin {session.value?.version}</span>
    </footer>
  );
}

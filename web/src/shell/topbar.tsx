import { session } from '../api/session';
import { atWork } from '../api/v1alpha1';
import { choose, lang, t } from '../lang';
import { Brand, Icon } from '../parts/icon';
import { to } from '../route';
import { type Theme, theme, wear } from '../theme';
import { ClusterSwitch } from './clusterswitch';
import { Me } from './me';
import { useOverview } from './overview';
import { openPalette } from './palette';

const nextTheme: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
const themeIcon = { auto: 'auto', light: 'sun', dark: 'moon' } as const;

export function TopBar() {
  return (
    <header class="topbar">
      <a class="brand" href={to.overview()} aria-label={t('top.home')}>
        <Brand />
        <b>Kanrin</b>
      </a>
      <ClusterSwitch />
      <button type="button" class="search-button" aria-label={t('top.search')} onClick={() => openPalette()} aria-keyshortcuts="Control+K">
        <Icon name="search" />
        <span>{t('top.search')}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <span class="spring" />
      <Running />
      <LanguageSwitch />
      <ThemeSwitch />
      {session.value && <Me session={session.value} />}
    </header>
  );
}

function Running() {
  const clusters = useOverview().data?.clusters ?? [];
  const n = clusters.reduce((sum, c) => sum + (c.running?.filter((o) => atWork(o.phase)).length ?? 0), 0);
  return (
    <a class={`running-link ${n > 0 ? 'some' : ''}`} href={to.operations(n > 0 ? '?phase=Running' : '')}>
      {n > 0 && (
        <span class="mark run">
          <i aria-hidden="true" />
        </span>
      )}
      {t('top.running', { n })}
    </a>
  );
}

export function LanguageSwitch() {
  return (
    <div class="language" role="group" aria-label={t('top.language')}>
      <button type="button" lang="en" aria-pressed={lang.value === 'en'} onClick={() => void choose('en')}>
        EN
      </button>
      <button type="button" lang="ja" aria-pressed={lang.value === 'ja'} onClick={() => void choose('ja')}>
        日本語
      </button>
    </div>
  );
}

export function ThemeSwitch() {
  const now = theme.value;
  const label = t('top.theme', { now: t(`theme.${now}`) });
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={() => wear(nextTheme[now])}>
      <Icon name={themeIcon[now]} />
    </button>
  );
}

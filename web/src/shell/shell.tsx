import type { ComponentChildren } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import type { Overview } from '../api/inventory';
import { bind } from '../keys';
import { t } from '../lang';
import { useReading } from '../live/reading';
import { AskDialog } from '../operation/ask';
import { go } from '../route';
import { Foot } from './foot';
import { Help, openHelp } from './help';
import { OverviewContext } from './overview';
import { openPalette, Palette } from './palette';
import { SideBar, useAreas } from './sidebar';
import { TopBar } from './topbar';

/** What stands around every page. */
export function Shell({ children }: { children: ComponentChildren }) {
  const overview = useReading<Overview>('/kanrin/v1/overview', [
    { cluster: '*', area: 'clusters' },
    { cluster: '*', area: 'operations' },
  ]);
  return (
    <OverviewContext.Provider value={overview}>
      <a class="skip" href="#main">
        {t('top.skip')}
      </a>
      <TopBar />
      <div class="frame">
        <SideBar />
        <main id="main">{children}</main>
      </div>
      <Foot />
      <Keys />
      <Palette />
      <Help />
      <AskDialog />
    </OverviewContext.Provider>
  );
}

const letters: Record<string, string> = { overview: 'o', clusters: 'c', nodes: 'n', hosts: 'h', workloads: 'w', pods: 'p', operations: 'x', backups: 'b', users: 'u' };

function Keys() {
  const areas = useAreas();
  const places = areas.map((a) => a.href).join(' ');
  // Before the first frame is shown: what can be seen hears its keys.
  useLayoutEffect(() => {
    const off = areas.map((a) => bind(['g', letters[a.id] ?? ''], () => go(a.href)));
    off.push(bind(['?'], () => openHelp()));
    off.push(bind(['Ctrl+K'], () => openPalette()));
    return () => off.forEach((f) => f());
  }, [places]);
  return null;
}

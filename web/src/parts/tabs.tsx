import { place, setQuery } from '../route';

export interface Tab {
  id: string;
  label: string;
  count?: number | undefined;
}

/** Tabs whose choice is in the address; the first is the one without a parameter. */
export function Tabs({ tabs, label, param = 'tab' }: { tabs: readonly Tab[]; label: string; param?: string }) {
  const current = place.value.query.get(param) ?? tabs[0]?.id;
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab, i) => (
        <button
          type="button"
          key={tab.id}
          aria-current={tab.id === current ? 'page' : undefined}
          onClick={() => setQuery({ [param]: i === 0 ? undefined : tab.id })}
        >
          {tab.label}
          {tab.count !== undefined && <span class="n">{tab.count}</span>}
        </button>
      ))}
    </nav>
  );
}

/** A few exclusive choices side by side, such as table and zones. */
export function Segments<T extends string>({ label, value, options, onChoose }: { label: string; value: T; options: readonly { id: T; label: string }[]; onChoose: (id: T) => void }) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map((o) => (
        <button type="button" key={o.id} aria-pressed={o.id === value} onClick={() => onChoose(o.id)}>
          {o.label}
        </button>
      ))}
    </div>
  );
}

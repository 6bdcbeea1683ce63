import { signal } from '@preact/signals';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../lang';
import { Icon } from '../parts/icon';
import { type Found, useFound } from './found';

const open = signal(false);

export function openPalette(): void {
  open.value = true;
}

export function Palette() {
  return open.value ? <PaletteDialog onClose={() => (open.value = false)} /> : null;
}

/** Search and commands: pages, clusters, what the cluster holds, operations, and what can be done about them. */
function PaletteDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const list = useId();
  const found = useFound(typed);
  const active = Math.min(at, found.length - 1);

  // At once, so that what is typed next is typed here.
  useLayoutEffect(() => {
    dialog.current?.showModal();
  }, []);
  useEffect(() => setAt(0), [typed]);
  useEffect(() => {
    dialog.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  const run = (item: Found | undefined) => {
    if (!item) return;
    onClose();
    item.run();
  };
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label={t('top.search')}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onMouseDown={(e) => {
        if (e.target === dialog.current) onClose();
      }}
    >
      <div class="palette-field">
        <Icon name="search" />
        <input
          role="combobox"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={found[active] ? `${list}-${active}` : undefined}
          aria-label={t('top.search')}
          placeholder={t('palette.hint')}
          value={typed}
          autocomplete="off"
          spellcheck={false}
          onInput={(e) => setTyped(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.isComposing) return;
            if (e.key === 'ArrowDown') setAt(Math.min(found.length - 1, active + 1));
            else if (e.key === 'ArrowUp') setAt(Math.max(0, active - 1));
            else if (e.key === 'Enter') run(found[active]);
            else return;
            e.preventDefault();
          }}
        />
        <kbd>Esc</kbd>
      </div>
      <ul role="listbox" id={list} aria-label={t('palette.results')}>
        {found.map((item, i) => (
          <li role="option" id={`${list}-${i}`} key={item.key} aria-selected={i === active} onPointerMove={() => setAt(i)} onClick={() => run(item)}>
            <Icon name={item.icon} />
            <span class={item.mono ? 'name' : ''}>{item.label}</span>
            <span class="kind">{item.kind}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="none">{t('palette.none', { q: typed })}</p>}
    </dialog>
  );
}

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icon';

interface Props {
  label: string;
  face: ComponentChildren;
  children: (close: () => void) => ComponentChildren;
  align?: 'left' | 'right';
  class?: string;
}

/** A button that opens a small panel under it; Esc, a click elsewhere or leaving by Tab closes it. */
export function Menu({ label, face, children, align = 'left', class: extra = '' }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!open) return;
    const outside = (e: Event) => {
      if (e.target instanceof Node && !root.current?.contains(e.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
    };
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div
      class={`menu ${extra}`}
      ref={root}
      onKeyDown={(e) => {
        if (e.key === 'Escape' && open) {
          e.stopPropagation();
          close();
        }
      }}
    >
      <button type="button" ref={button} class="menu-face" aria-expanded={open} aria-label={label} onClick={() => setOpen(!open)}>
        {face}
        <Icon name="down" size={12} />
      </button>
      {open && <div class={`menu-panel ${align}`}>{children(() => setOpen(false))}</div>}
    </div>
  );
}

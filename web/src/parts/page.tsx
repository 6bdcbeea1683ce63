import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { place } from '../route';

/** The head of a page: its title goes to the window, too, and takes the focus when the page was come to. */
export function PageHead({ title, beside, sub, actions, crumbs }: { title: string; beside?: ComponentChildren; sub?: ComponentChildren; actions?: ComponentChildren; crumbs?: ComponentChildren }) {
  const ref = useRef<HTMLHeadingElement>(null);
  const path = place.value.path;
  useEffect(() => {
    document.title = `${title} · Kanrin`;
  }, [title]);
  useEffect(() => {
    // The first page of a visit leaves the focus alone; later ones tell a screen reader where it is now.
    if (visited) ref.current?.focus({ preventScroll: true });
    visited = true;
  }, [path]);
  return (
    <div class="page-head">
      {crumbs && <nav class="crumbs">{crumbs}</nav>}
      <div class="row">
        <h1 ref={ref} tabIndex={-1}>
          {title}
        </h1>
        {beside}
        {actions && <div class="actions">{actions}</div>}
      </div>
      {sub && <div class="sub">{sub}</div>}
    </div>
  );
}

let visited = false;

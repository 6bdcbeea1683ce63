import type { ComponentChildren } from 'preact';

/** Facts first: a row of short labels over values. */
export function Facts({ children }: { children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>;
}

export function Fact({ label, children, tone }: { label: string; children: ComponentChildren; tone?: 'crit' | 'warn' }) {
  return (
    <div class={tone ?? ''}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A list of label and value in two columns, for what is not a headline. */
export function Details({ rows }: { rows: readonly (readonly [string, ComponentChildren] | false | undefined)[] }) {
  return (
    <dl class="details">
      {rows.map(
        (row) =>
          row && (
            <div key={row[0]}>
              <dt>{row[0]}</dt>
              <dd>{row[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

export function Section({ title, children, aside, id }: { title: string; children: ComponentChildren; aside?: ComponentChildren; id?: string }) {
  return (
    <section class="section" aria-label={title} id={id}>
      <div class="section-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

export function Panel({ children, class: extra = '' }: { children: ComponentChildren; class?: string }) {
  return <div class={`panel ${extra}`}>{children}</div>;
}

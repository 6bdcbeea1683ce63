import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { bind } from '../keys';
import { t } from '../lang';
import { place, setQuery } from '../route';

/** The search field of a list: what is typed is in the address a moment later. "/" comes here. */
export function Search({ label, param = 'q' }: { label: string; param?: string }) {
  const inAddress = place.value.query.get(param) ?? '';
  const [typed, setTyped] = useState(inAddress);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => setTyped(inAddress), [inAddress]);
  useLayoutEffect(() => bind(['/'], () => input.current?.focus()), []);
  useEffect(() => () => clearTimeout(timer.current), []);

  return (
    <input
      ref={input}
      type="search"
      class="search-field"
      value={typed}
      placeholder={label}
      aria-label={label}
      aria-keyshortcuts="/"
      onInput={(e) => {
        const v = e.currentTarget.value;
        setTyped(v);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setQuery({ [param]: v.trim() }), 200);
      }}
      onKeyDown={(e) => {
        if (e.key !== 'Escape') return;
        e.preventDefault(); // browsers would empty the field
        e.currentTarget.blur();
      }}
    />
  );
}

export interface Choice {
  value: string;
  label: string;
}

/** One filter with known values, kept in the address. */
export function Pick({ label, param, choices }: { label: string; param: string; choices: readonly Choice[] }) {
  const id = useId();
  const value = place.value.query.get(param) ?? '';
  const known = choices.some((c) => c.value === value) || value === '';
  return (
    <span class={`pick ${value ? 'set' : ''}`}>
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(e) => setQuery({ [param]: e.currentTarget.value })}>
        <option value="">{t('filter.all')}</option>
        {!known && <option value={value}>{value}</option>}
        {choices.map((c) => (
          <option key={c.value} value={c.value}>
            {c.label}
          </option>
        ))}
      </select>
    </span>
  );
}

/** A filter that came with a link (a node's pods, a workload's pods) and can be taken away again. */
export function Chip({ label, param }: { label: string; param: string }) {
  const value = place.value.query.get(param);
  if (!value) return null;
  return (
    <button type="button" class="chip" onClick={() => setQuery({ [param]: undefined })} aria-label={t('filter.remove', { what: `${label} ${value}` })}>
      {label} <code>{value}</code> <span aria-hidden="true">×</span>
    </button>
  );
}

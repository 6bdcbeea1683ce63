import { signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const stored = 'kanrin.theme';

export const theme = signal<Theme>(kept());

function kept(): Theme {
  try {
    const v = localStorage.getItem(stored);
    if (v === 'light' || v === 'dark') return v;
  } catch {
    // storage is closed to us: follow the system
  }
  return 'auto';
}

/** Puts on a theme and keeps it; public/theme.js puts it on again before the next page's first paint. */
export function wear(next: Theme): void {
  theme.value = next;
  if (next === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === 'auto') localStorage.removeItem(stored);
    else localStorage.setItem(stored, next);
  } catch {
    // it holds for this page then
  }
}

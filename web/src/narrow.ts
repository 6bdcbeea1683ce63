import { signal } from '@preact/signals';

const phone = window.matchMedia('(max-width: 760px)');

/** Whether rows are cards and the side bar is a bar at the bottom; the same limit as in the style sheets. */
export const narrow = signal(phone.matches);

export function startNarrow(): void {
  phone.addEventListener('change', () => (narrow.value = phone.matches));
}

// The keyboard: one place that hears keys when no field or dialog does.

export interface Binding {
  /** Keys in order: ["g", "o"], or one: ["/"]. */
  keys: readonly string[];
  run: (event: KeyboardEvent) => void;
}

const bound = new Set<Binding>();
let pressed: string[] = [];
let forgetTimer: ReturnType<typeof setTimeout> | undefined;

/** Binds keys until the returned function is called; the latest binding of the same keys wins. */
export function bind(keys: readonly string[], run: Binding['run']): () => void {
  const binding = { keys, run };
  bound.add(binding);
  return () => bound.delete(binding);
}

function writing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ? !(target instanceof HTMLInputElement && target.type === 'checkbox') : false;
}

export function startKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.altKey) return;
    const inDialog = document.querySelector('dialog[open]') !== null;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      fire(['Ctrl+K'], event);
      return;
    }
    if (event.ctrlKey || event.metaKey || inDialog || writing(event.target)) return;
    clearTimeout(forgetTimer);
    pressed = [...pressed, event.key].slice(-2);
    forgetTimer = setTimeout(() => (pressed = []), 900);
    if (fire(pressed, event) || fire([event.key], event)) pressed = [];
  });
}

function fire(keys: readonly string[], event: KeyboardEvent): boolean {
  const found = [...bound].reverse().find((b) => b.keys.length === keys.length && b.keys.every((k, i) => k === keys[i]));
  if (!found) return false;
  event.preventDefault();
  found.run(event);
  return true;
}

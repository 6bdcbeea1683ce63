import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../lang';
import { Action } from './button';
import { Failure } from './states';
import { type ApiError, asApiError } from '../api/client';

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** What the dialog is for; without it, it only shows something. */
  submit?: { label: string; run: () => Promise<void>; kind?: 'primary' | 'danger'; why?: string | undefined };
  wide?: boolean;
}

/** A modal dialog: Esc and the backdrop close it, the focus stays in it and goes back to where it was. */
export function Dialog({ title, onClose, children, submit, wide }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  useLayoutEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);

  const run = async () => {
    if (!submit || busy || submit.why !== undefined) return;
    setBusy(true);
    setError(undefined);
    try {
      await submit.run();
    } catch (failure) {
      setError(asApiError(failure));
      setBusy(false);
    }
  };

  return (
    <dialog
      ref={ref}
      class={wide ? 'wide' : ''}
      aria-labelledby={heading}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onMouseDown={(e) => {
        if (e.target === ref.current && !busy) onClose();
      }}
    >
      <form
        method="dialog"
        onSubmit={(e) => {
          e.preventDefault();
          void run();
        }}
      >
        <h2 id={heading}>{title}</h2>
        <div class="dialog-body">{children}</div>
        {error && <Failure error={error} />}
        <div class="dialog-foot">
          <button type="button" class="btn" onClick={onClose}>
            {submit ? t('action.notNow') : t('action.close')}
          </button>
          {submit && (
            <Action kind={submit.kind ?? 'primary'} why={submit.why} busy={busy} onClick={run}>
              {submit.label}
            </Action>
          )}
          <button type="submit" hidden tabIndex={-1} aria-hidden="true" />
        </div>
      </form>
    </dialog>
  );
}

/** A field in which the name of what is about to be lost has to be typed. */
export function TypeName({ name, value, onInput, label }: { name: string; value: string; onInput: (v: string) => void; label?: string }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        {label ?? t('dialog.typeName')} <code class="name">{name}</code>
      </label>
      <input id={id} value={value} autocomplete="off" autocapitalize="off" spellcheck={false} onInput={(e) => onInput(e.currentTarget.value)} />
    </div>
  );
}

export function Field({ label, hint, children }: { label: string; hint?: string; children: (id: string, hintId: string | undefined) => ComponentChildren }) {
  const id = useId();
  const hintId = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id, hint ? hintId : undefined)}
      {hint && (
        <small id={hintId} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

/** A command to copy; the button says when it did. */
export function Copyable({ value, label }: { value: string; label?: string }) {
  const [done, setDone] = useState<boolean>();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setDone(true);
    } catch {
      setDone(false);
    }
    setTimeout(() => setDone(undefined), 2_000);
  };
  return (
    <div class="copyable">
      <pre tabIndex={0} aria-label={label ?? t('action.command')}>
        {value}
      </pre>
      <button type="button" class="btn small" onClick={copy}>
        <span aria-live="polite">{done === undefined ? t('action.copy') : done ? t('action.copied') : t('action.copyFailed')}</span>
      </button>
    </div>
  );
}

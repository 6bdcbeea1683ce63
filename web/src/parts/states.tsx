import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../api/client';
import { explain } from '../api/failure';
import { t } from '../lang';
import { Action } from './button';
import { Copyable } from './dialog';
import { Icon, type IconName } from './icon';

/** Grey lines for the first 300 ms; past that a sentence says what is waited for. */
export function Loading({ what, rows = 4 }: { what: string; rows?: number }) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 300);
    return () => clearTimeout(timer);
  }, []);
  if (slow) {
    return (
      <p class="waiting" role="status">
        <span class="mark run">
          <i aria-hidden="true" />
        </span>
        {t('state.waiting', { what })}
      </p>
    );
  }
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <i key={i} />
      ))}
    </div>
  );
}

/** What went wrong, why, and what to do, in place; the server's own words below. */
export function Failure({ error, retry, what }: { error: ApiError; retry?: (() => void) | undefined; what?: string }) {
  const e = explain(error);
  return (
    <div class="failure" role="alert">
      <Icon name="warn" />
      <div>
        <strong>{what ? `${what}: ${e.what}` : e.what}</strong>
        {e.why && <div>{e.why}</div>}
        {e.next && <div>{e.next}</div>}
        {e.detail && e.detail !== e.what && <div class="detail">{e.detail}</div>}
      </div>
      {retry && (
        <Action small onClick={retry}>
          {t('action.retry')}
        </Action>
      )}
    </div>
  );
}

/** An empty place that teaches: what it is for, and the command that fills it. */
export function Empty({ icon, title, children, command, action }: { icon: IconName; title: string; children?: ComponentChildren; command?: string; action?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} size={28} />
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
      {command && <Copyable value={command} />}
      {action}
    </div>
  );
}

import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { inOneLine } from '../api/failure';

interface Props {
  onClick: () => void | Promise<void>;
  children: ComponentChildren;
  kind?: 'primary' | 'danger' | 'plain' | 'quiet';
  /** Why the button does nothing now. It stays in the tab order, so that everybody can learn the reason. */
  why?: string | undefined;
  busy?: boolean;
  label?: string;
  small?: boolean;
}

/**
 * A button that, when it must not be pressed, says why on hover, on focus and when it is pressed nonetheless. When what it started
 * fails, it says that in the same place.
 */
export function Action({ onClick, children, kind = 'plain', why, busy = false, label, small }: Props) {
  const id = useId();
  const [asked, setAsked] = useState(false);
  const [working, setWorking] = useState(false);
  const [failed, setFailed] = useState<string>();

  const press = async () => {
    if (why !== undefined) {
      setAsked(!asked);
      return;
    }
    if (busy || working) return;
    setFailed(undefined);
    setWorking(true);
    try {
      await onClick();
    } catch (failure) {
      setFailed(inOneLine(failure));
    }
    setWorking(false);
  };
  const off = why !== undefined || busy || working;
  return (
    <span class={`action ${asked ? 'asked' : ''}`}>
      <button
        type="button"
        class={`btn ${kind} ${small ? 'small' : ''}`}
        aria-disabled={off || undefined}
        aria-describedby={why === undefined ? undefined : id}
        aria-label={label}
        aria-busy={busy || working || undefined}
        onClick={() => void press()}
        onBlur={() => {
          setAsked(false);
          setFailed(undefined);
        }}
      >
        {children}
      </button>
      {why !== undefined && (
        <span role="tooltip" id={id} class="why">
          {why}
        </span>
      )}
      {failed !== undefined && (
        <span role="alert" class="why failed">
          {failed}
        </span>
      )}
    </span>
  );
}

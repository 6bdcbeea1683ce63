import { useEffect, useRef, useState } from 'preact/hooks';
import { type ApiError, asApiError, get, query, segment } from '../api/client';
import type { LogLine, Operation } from '../api/v1alpha1';
import { absolute, clock } from '../format';
import { t } from '../lang';
import { concerns, onChange } from '../live/changes';
import { pacedReader } from '../live/reading';
import { Failure } from '../parts/states';
import { logText } from './words';

interface Answer {
  lines: LogLine[] | null;
  next: number;
  done: boolean;
}

/** Lines drawn at once; earlier ones come when asked for. */
const drawn = 400;

/** Reads the journal from its first line on, and what is added as it is added. */
function useJournal(cluster: string, name: string): { lines: LogLine[]; error: ApiError | undefined } {
  const [state, setState] = useState<{ lines: LogLine[]; error: ApiError | undefined }>({ lines: [], error: undefined });
  useEffect(() => {
    const abort = new AbortController();
    let after = 0;
    let done = false;
    let all: LogLine[] = [];
    const reader = pacedReader(async () => {
      try {
        for (let more = true; more && !done && !abort.signal.aborted; ) {
          const answer = await get<Answer>(`/kanrin/v1/clusters/${segment(cluster)}/operations/${segment(name)}/log${query({ after })}`, abort.signal);
          const lines = answer.lines ?? [];
          more = lines.length > 0 && answer.next > after;
          after = Math.max(after, answer.next);
          done = answer.done;
          all = [...all, ...lines];
        }
        setState({ lines: all, error: undefined });
      } catch (failure) {
        if (abort.signal.aborted) return;
        setState({ lines: all, error: asApiError(failure) });
      }
    });
    setState({ lines: [], error: undefined });
    reader.now();
    const off = onChange((change) => {
      if (concerns([{ cluster, area: 'operations' }, { cluster, area: 'pods' }], change)) reader.soon();
    });
    return () => {
      off();
      reader.stop();
      abort.abort();
    };
  }, [cluster, name]);
  return state;
}

/** What was done and seen, line by line. It follows its end until the reader scrolls up. */
export function Journal({ op }: { op: Operation }) {
  const { lines, error } = useJournal(op.metadata.namespace, op.metadata.name);
  const [limit, setLimit] = useState(drawn);
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines.length]);

  if (error && lines.length === 0) return <Failure error={error} what={t('op.journal')} />;
  if (lines.length === 0) return <p class="quiet-note">{t('op.journalEmpty')}</p>;
  const numbers = new Map((op.status?.plan?.steps ?? []).map((s, i) => [s.id, i + 1]));
  return (
    <div
      class="journal"
      ref={box}
      tabIndex={0}
      role="log"
      aria-label={t('op.journal')}
      onScroll={(e) => {
        const b = e.currentTarget;
        atEnd.current = b.scrollHeight - b.scrollTop - b.clientHeight < 24;
      }}
    >
      {lines.length > limit && (
        <button type="button" class="more-rows" onClick={() => setLimit(limit * 4)}>
          {t('op.journalEarlier', { n: lines.length - limit })}
        </button>
      )}
      {lines.slice(-limit).map((l) => (
        <div class={`log ${l.level ?? 'info'}`} key={l.n}>
          <time dateTime={l.t} title={absolute(new Date(l.t))}>
            {clock(new Date(l.t))}
          </time>
          <span class="log-step">{l.step ? (numbers.get(l.step) ?? '') : ''}</span>
          <span class="log-text">
            {l.level === 'error' && <b>{t('op.logError')} </b>}
            {l.level === 'warn' && <b>{t('op.logWarn')} </b>}
            {logText(op, l)}
          </span>
        </div>
      ))}
    </div>
  );
}

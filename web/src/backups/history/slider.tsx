import { useEffect, useRef, useState } from 'preact/hooks';
import type { Backup } from '../../api/backupkinds';
import { absolute, date, minute } from '../../format';
import { t, text } from '../../lang';
import { Action } from '../../parts/button';
import { Ago } from '../../parts/time';
import { to } from '../../route';
import { phaseOfSet, setTone, timeOf } from '../state';
import { SetMark } from '../words';

interface Props {
  cluster: string;
  /** Oldest first. */
  sets: readonly Backup[];
  index: number;
  onChoose: (name: string) => void;
}

/** The time: one step for each set, from the oldest on the left to the newest. Arrow keys, Home and End move it. */
export function TimeSlider({ cluster, sets, index, onChoose }: Props) {
  const [at, setAt] = useState(index);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setAt(index), [index]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const set = sets[Math.min(at, sets.length - 1)];
  if (!set) return null;
  const move = (next: number) => {
    const i = Math.max(0, Math.min(sets.length - 1, next));
    setAt(i);
    clearTimeout(timer.current);
    // What is dragged past is not read.
    timer.current = setTimeout(() => onChoose(sets[i]?.metadata.name ?? ''), 120);
  };
  const when = new Date(timeOf(set));
  const phase = phaseOfSet(set);
  const first = sets[0];
  const last = sets.at(-1);
  return (
    <div class="time">
      <div class="time-now">
        <output class="time-at">{absolute(when)}</output>
        <span class="dim">
          <Ago at={timeOf(set)} />
        </span>
        <SetMark set={set} />
        <a class="name" href={to.backup(cluster, set.metadata.name)}>
          {set.metadata.name}
        </a>
      </div>
      <div class="time-row">
        <Action small label={t('history.earlier')} why={at === 0 ? t('history.isFirst') : undefined} onClick={() => move(at - 1)}>
          ←
        </Action>
        <div class="time-track">
          <div class="time-ticks" aria-hidden="true">
            {sets.map((s, i) => (
              <i
                key={s.metadata.name}
                class={`${setTone[phaseOfSet(s)]} ${i === at ? 'at' : ''} ${i > 0 && date(new Date(timeOf(s))) !== date(new Date(timeOf(sets[i - 1] as Backup))) ? 'day' : ''}`}
              />
            ))}
          </div>
          <input
            type="range"
            min={0}
            max={Math.max(0, sets.length - 1)}
            step={1}
            value={at}
            disabled={sets.length < 2}
            aria-label={t('history.slider')}
            aria-valuetext={`${minute(when)}, ${text(`set.${phase}`) ?? phase}`}
            onInput={(e) => move(Number(e.currentTarget.value))}
          />
          <div class="time-ends" aria-hidden="true">
            <span>{first && minute(new Date(timeOf(first)))}</span>
            <span>{t('history.setsOf', { n: at + 1, of: sets.length })}</span>
            <span>{last && minute(new Date(timeOf(last)))}</span>
          </div>
        </div>
        <Action small label={t('history.later')} why={at >= sets.length - 1 ? t('history.isLast') : undefined} onClick={() => move(at + 1)}>
          →
        </Action>
      </div>
    </div>
  );
}

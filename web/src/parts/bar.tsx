import { percent } from '../format';

/** A thin bar from zero to all, with its number beside it. Past `high` it warns, and a word says so to those who do not see it. */
export function Bar({ share, high = 0.85, label, wide }: { share: number; high?: number; label: string; wide?: boolean }) {
  const shown = Math.min(1, Math.max(0, share));
  return (
    <span class={`usage ${share > high ? 'high' : ''} ${wide ? 'wide' : ''}`} title={label}>
      <span class="bar" role="img" aria-label={`${label}: ${percent(share)}`}>
        <i style={{ width: `${shown * 100}%` }} />
      </span>
      <span class="n">{percent(share)}</span>
    </span>
  );
}

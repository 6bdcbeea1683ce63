import type { Operation, Report as ReportData } from '../api/v1alpha1';
import { seconds } from '../format';
import { said, t, text } from '../lang';
import { Mark } from '../parts/mark';
import { phaseOf } from './state';

/** What came of it, against what was said beforehand: for reading, sharing and printing. */
export function Report({ op, report }: { op: Operation; report: ReportData }) {
  const longest = Math.max(report.forecastSeconds, report.tookSeconds, 1);
  const measures = Object.entries(report.measures ?? {}).filter(([name]) => text(`measure.${name}`) !== undefined);
  const phase = phaseOf(op);
  const lines = (report.lines ?? []).filter((l) => l.code !== 'Duration'); // the bars say it
  return (
    <div class="report">
      <div class="versus">
        <Versus label={t('op.forecast')} value={report.forecastSeconds} of={longest} kind="forecast" />
        <Versus label={t('op.took')} value={report.tookSeconds} of={longest} kind={report.tookSeconds > report.forecastSeconds * 1.25 + 10 ? 'late' : 'took'} />
      </div>
      <ul class="report-lines">
        {lines.map((l, i) => (
          <li key={i}>
            <Mark tone={phase === 'Succeeded' ? 'ok' : 'idle'}>{said('report', l.code, l.params, l.message)}</Mark>
          </li>
        ))}
      </ul>
      {measures.length > 0 && (
        <dl class="measures">
          {measures.map(([name, n]) => (
            <div key={name}>
              <dt>{text(`measure.${name}`)}</dt>
              <dd>{name.endsWith('Seconds') ? seconds(n) : n}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function Versus({ label, value, of, kind }: { label: string; value: number; of: number; kind: string }) {
  return (
    <div class="versus-row">
      <span>{label}</span>
      <span class="versus-bar">
        <i class={kind} style={{ width: `${(100 * value) / of}%` }} />
        <b>{seconds(value)}</b>
      </span>
    </div>
  );
}

import { useEffect, useState } from 'preact/hooks';
import type { Backup, Drill } from '../api/backupkinds';
import { drillPath } from '../api/backups';
import type { Line } from '../api/v1alpha1';
import { absolute, count, memory, seconds } from '../format';
import { said, t, text } from '../lang';
import { List } from '../list/list';
import { useReading } from '../live/reading';
import { Copyable } from '../parts/dialog';
import { Details, Fact, Facts, Panel, Section } from '../parts/facts';
import { Mark } from '../parts/mark';
import { Failure, Loading } from '../parts/states';
import { Ago } from '../parts/time';
import { to } from '../route';
import { isBrowsable } from './state';

/** What was done to prove the set, what it found, and who vouches for it. */
export function ProofSection({ cluster, set }: { cluster: string; set: Backup }) {
  const proof = set.status?.proof;
  const { data, error, reload } = useReading<Drill>(proof ? drillPath(cluster, proof.drill) : null);
  if (!proof && !isBrowsable(set)) return null;
  return (
    <Section
      title={t('proof.title')}
      aside={
        proof && (
          <a class="aside" href={to.operation(cluster, proof.drill)}>
            {t('proof.operation')}
          </a>
        )
      }
    >
      <Panel>
        {!proof && (
          <div class="proof-none">
            <Mark tone="idle">{t('proof.none')}</Mark>
            <p>{t('proof.noneText')}</p>
            <Copyable value={`kanrin backup prove ${set.metadata.name} --cluster ${cluster}`} />
          </div>
        )}
        {proof && !data && (error ? <Failure error={error} retry={reload} what={t('proof.title')} /> : <Loading what={t('proof.title')} />)}
        {proof && data && <Proof drill={data} />}
      </Panel>
    </Section>
  );
}

function Proof({ drill }: { drill: Drill }) {
  const r = drill.result;
  return (
    <div class="drill">
      <div class="drill-head">
        <Mark tone={r.passed ? 'ok' : 'crit'}>
          <b>{t(r.passed ? 'proof.passed' : 'proof.failed')}</b>
        </Mark>
        <span class="dim">
          <Ago at={r.finishedAt} />
        </span>
      </div>
      <Facts>
        {r.recoverySeconds !== undefined && <Fact label={t('proof.recovery')}>{seconds(r.recoverySeconds)}</Fact>}
        {r.objects !== undefined && <Fact label={t('proof.objects')}>{count(r.objects)}</Fact>}
        {r.keys !== undefined && <Fact label={t('proof.keys')}>{count(r.keys)}</Fact>}
        {r.secrets !== undefined && <Fact label={t('proof.secrets')}>{count(r.secrets)}</Fact>}
        {r.bytes !== undefined && (
          <Fact label={t('proof.read')}>
            {memory(r.bytes)} <small>{t('proof.files', { n: count(r.files ?? 0) })}</small>
          </Fact>
        )}
        {r.kubernetesVersion && <Fact label="Kubernetes">{r.kubernetesVersion}</Fact>}
      </Facts>
      <Stages stages={r.stages ?? []} />
      <Lines lines={r.problems} tone="crit" title={t('proof.problems')} />
      {(r.databases ?? []).length > 0 && (
        <List
          label={t('proof.databases')}
          rows={r.databases ?? []}
          rowKey={(d) => d.component}
          columns={[
            { id: 'name', head: t('proof.databases'), width: 'minmax(0, 1fr)', card: 'name', cell: (d) => <span class="name">{d.component}</span> },
            { id: 'server', head: t('proof.server'), width: 'minmax(0, 1fr)', card: 'state', cell: (d) => d.server },
            { id: 'tables', head: t('proof.tables'), width: '96px', num: true, cell: (d) => count(d.tables) },
            { id: 'rows', head: t('proof.rows'), width: '110px', num: true, cell: (d) => count(d.rows) },
          ]}
        />
      )}
      <Lines lines={r.notes} tone="idle" title={t('proof.notes')} />
      <Signature drill={drill} />
    </div>
  );
}

/** Each stage as long as it took, on one line; the numbers below. */
export function Stages({ stages }: { stages: readonly { name: string; milliseconds: number }[] }) {
  if (stages.length === 0) return null;
  const total = stages.reduce((n, s) => n + s.milliseconds, 0);
  return (
    <div class="stages">
      <div class="stage-bar" role="img" aria-label={t('proof.took', { t: seconds(total / 1000) })}>
        {stages.map((s, i) => (
          <i key={i} style={{ flexGrow: Math.max(s.milliseconds, total / 200) }} title={`${stageText(s.name)} · ${seconds(s.milliseconds / 1000)}`} />
        ))}
      </div>
      <ol>
        {stages.map((s, i) => (
          <li key={i}>
            <span>{stageText(s.name)}</span> <b>{seconds(s.milliseconds / 1000)}</b>
          </li>
        ))}
      </ol>
    </div>
  );
}

function stageText(name: string): string {
  const [kind = '', ...rest] = name.split(' ');
  return text(`stage.${kind}`, { what: rest.join(' ') }) ?? name;
}

function Lines({ lines, tone, title }: { lines: readonly Line[] | undefined; tone: 'crit' | 'idle'; title: string }) {
  if (!lines || lines.length === 0) return null;
  return (
    <div class="drill-lines">
      <h3>{title}</h3>
      <ul>
        {lines.map((l, i) => (
          <li key={i}>
            <Mark tone={tone}>{said('proof', l.code, l.params, l.message)}</Mark>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Signature({ drill }: { drill: Drill }) {
  const key = useKeyID(drill.publicKey);
  return (
    <Details
      rows={[
        [t('proof.signed'), absolute(new Date(drill.result.finishedAt))],
        [
          t('proof.key'),
          <code class="name" title={drill.publicKey}>
            Ed25519 {key ?? drill.publicKey.slice(0, 16)}
          </code>,
        ],
        [t('proof.digest'), <code class="fingerprint">{drill.result.digest}</code>],
      ]}
    />
  );
}

/** The first 16 hexadecimal digits of the public key's SHA-256. */
function useKeyID(publicKey: string): string | undefined {
  const [id, setID] = useState<string>();
  useEffect(() => {
    let gone = false;
    void keyID(publicKey).then(
      (found) => {
        if (!gone) setID(found);
      },
      () => undefined, // the beginning of the key itself is shown then
    );
    return () => {
      gone = true;
    };
  }, [publicKey]);
  return id;
}

export async function keyID(publicKey: string): Promise<string> {
  const raw = Uint8Array.from(atob(publicKey), (c) => c.charCodeAt(0));
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', raw));
  return [...sum.slice(0, 8)].map((b) => b.toString(16).padStart(2, '0')).join('');
}

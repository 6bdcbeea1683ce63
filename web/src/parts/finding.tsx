import type { ComponentChildren } from 'preact';
import type { Finding, Severity } from '../api/v1alpha1';
import { said, t } from '../lang';
import { shortReason } from '../reason';
import { to } from '../route';
import { Mark, severityTone } from './mark';
import { Ago } from './time';

/** The sentence of a finding, in the language on screen. */
export function findingText(f: Finding): string {
  const params = f.params?.reason ? { ...f.params, reason: shortReason(f.params.reason) } : f.params;
  return said('finding', f.code, { object: f.object, ...params }, f.message);
}

/** Where an object named by a finding can be looked at. */
export function objectHref(cluster: string, kind: string | undefined, object: string): string | undefined {
  const [ns, name] = object.includes('/') ? object.split('/', 2) : [undefined, object];
  switch (kind) {
    case 'Node':
      return to.node(cluster, object);
    case 'Host':
      return to.host(cluster, object);
    case 'Pod':
      return ns && name ? to.pod(cluster, ns, name) : undefined;
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'ReplicaSet':
    case 'Job':
    case 'CronJob':
      return ns && name ? to.workload(cluster, kind, ns, name) : undefined;
    case 'PodDisruptionBudget':
      return ns && name ? to.workloads(cluster, `?q=${encodeURIComponent(ns)}`) : undefined;
    case 'Zone':
      return to.capacity(cluster, object);
    case 'Cluster':
      return to.cluster(cluster);
    case 'BackupPolicy':
      return to.backups(cluster);
    case 'Backup':
      return to.backup(cluster, object);
    case 'Operation':
      return to.operation(ns ?? cluster, name ?? object);
    default:
      return undefined;
  }
}

const order: Record<Severity, number> = { blocker: 0, warning: 1, info: 2 };

export function bySeverity(a: Finding, b: Finding): number {
  return order[a.severity] - order[b.severity];
}

interface Props {
  cluster: string;
  finding: Finding;
  /** Named before the object where findings of several clusters stand together. */
  showCluster?: boolean;
  /** Of a cluster, where the gravest is called critical; a plan's blocks the plan. */
  standing?: boolean;
  children?: ComponentChildren;
}

/** One finding: how grave, what, about which object (a link in the sentence), since when; what can be done stands to the right. */
export function FindingRow({ cluster, finding, showCluster, standing, children }: Props) {
  const tone = severityTone[finding.severity];
  return (
    <li class={`find ${tone}`}>
      <span class="severity">
        <Mark tone={tone}>{t(standing && finding.severity === 'blocker' ? 'severity.critical' : `severity.${finding.severity}`)}</Mark>
      </span>
      <div class="what">
        <p title={finding.params?.reason}>
          <Sentence cluster={cluster} finding={finding} />
        </p>
        {(showCluster || finding.since) && (
          <p class="about">
            {showCluster && (
              <a class="name" href={to.cluster(cluster)}>
                {cluster}
              </a>
            )}
            {showCluster && finding.since && ' · '}
            {finding.since && (
              <>
                {t('finding.since')} <Ago at={finding.since} />
              </>
            )}
          </p>
        )}
      </div>
      {children && <div class="todo">{children}</div>}
    </li>
  );
}

/** The sentence with its object as a link; an object that the sentence does not name comes before it. */
function Sentence({ cluster, finding }: { cluster: string; finding: Finding }) {
  const text = findingText(finding);
  const object = finding.object;
  if (object === '') return <>{text}</>;
  const href = objectHref(cluster, finding.kind, object);
  const name = href ? (
    <a class="name" href={href}>
      {object}
    </a>
  ) : (
    <span class="name">{object}</span>
  );
  const at = text.indexOf(object);
  if (at < 0) {
    return (
      <>
        {name} {text}
      </>
    );
  }
  return (
    <>
      {text.slice(0, at)}
      {name}
      {text.slice(at + object.length)}
    </>
  );
}

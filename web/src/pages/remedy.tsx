import { missing, useAccess } from '../api/access';
import { readPolicies, readSets } from '../api/backups';
import type { Finding } from '../api/v1alpha1';
import { query } from '../api/client';
import { backupFindings, mendOf } from '../backups/state';
import { t } from '../lang';
import { askFor } from '../operation/ask';
import { Action } from '../parts/button';
import { objectHref } from '../parts/finding';
import { go, to } from '../route';

/** The one button of a finding: it leads to where the finding can be understood and mended. */
export function Remedy({ cluster, finding }: { cluster: string; finding: Finding }) {
  if (backupFindings.includes(finding.code)) return <MendBackups cluster={cluster} finding={finding} />;
  const { href, label } = remedyOf(cluster, finding);
  return (
    <a class="btn" href={href}>
      {label}
    </a>
  );
}

/** What is asked for depends on the sets that there are, which are looked at when the button is pressed. */
function MendBackups({ cluster, finding }: { cluster: string; finding: Finding }) {
  const access = useAccess(cluster);
  const look = finding.code === 'RepositoryNotReady';
  const mend = async () => {
    const [policies, sets] = await Promise.all([readPolicies(cluster), readSets(cluster)]);
    const how = mendOf(finding.code, finding.kind, finding.object, policies, sets);
    if (how.kind === 'prove') askFor({ cluster, type: 'Prove', backup: how.backup });
    else if (how.kind === 'backup') askFor({ cluster, type: 'Backup', policy: how.policy });
    else go(to.backups(cluster));
  };
  if (look) {
    return (
      <a class="btn" href={to.backups(cluster)}>
        {t('remedy.look')}
      </a>
    );
  }
  return (
    <Action why={missing(access, 'create', 'operations', cluster)} onClick={mend}>
      {t(finding.code === 'NeverProven' || finding.code === 'ProofTooOld' ? 'remedy.prove' : 'remedy.backup')}
    </Action>
  );
}

function remedyOf(cluster: string, f: Finding): { href: string; label: string } {
  switch (f.code) {
    case 'ZoneLoss':
    case 'ZoneLossVolume':
      return { href: to.capacity(cluster, f.object), label: t('remedy.whatIf') };
    case 'PodsPending':
      return { href: to.pods(cluster, query({ state: 'Pending', owner: f.kind && f.kind !== 'Pod' ? `${f.kind}/${f.object}` : undefined })), label: t('remedy.pods') };
    case 'NodeDown':
    case 'NodeCordoned':
      return { href: to.node(cluster, f.object), label: t('remedy.node') };
    case 'BudgetNeverMet': {
      // Not the budget but what it covers is where one looks: "Deployment shop/web".
      const [, kind, ns, name] = /^(\w+) ([^/]+)\/(.+)$/.exec(f.params?.workload ?? '') ?? [];
      if (kind && ns && name) return { href: to.workload(cluster, kind, ns, name), label: t('remedy.workload') };
      return { href: to.workloads(cluster), label: t('remedy.look') };
    }
    default:
      return { href: objectHref(cluster, f.kind, f.object) ?? to.cluster(cluster), label: t('remedy.look') };
  }
}

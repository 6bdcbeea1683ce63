import type { Finding } from '../api/v1alpha1';
import { query } from '../api/client';
import { t } from '../lang';
import { objectHref } from '../parts/finding';
import { to } from '../route';

/** The one button of a finding: it leads to where the finding can be understood and mended. */
export function Remedy({ cluster, finding }: { cluster: string; finding: Finding }) {
  const { href, label } = remedyOf(cluster, finding);
  return (
    <a class="btn" href={href}>
      {label}
    </a>
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

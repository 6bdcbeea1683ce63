import type { Finding } from '../api/v1alpha1';
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
  if (/zone/i.test(f.code) || f.kind === 'Zone') return { href: to.capacity(cluster, f.kind === 'Zone' ? f.object : f.params?.zone), label: t('remedy.whatIf') };
  if (/pending/i.test(f.code) && f.kind !== 'Pod') return { href: to.pods(cluster, '?state=Pending'), label: t('remedy.pods') };
  const href = objectHref(cluster, f.kind, f.object);
  if (f.kind === 'Node') return { href: href ?? to.nodes(cluster), label: t('remedy.node') };
  return { href: href ?? to.cluster(cluster), label: t('remedy.look') };
}

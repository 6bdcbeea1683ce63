import type { Node } from '../api/inventory';
import { t, text } from '../lang';
import { Mark, Tag, type Tone } from '../parts/mark';
import { absolute } from '../format';
import { to } from '../route';

const tones: Record<Node['state'], Tone> = { Ready: 'ok', NotReady: 'crit', Unknown: 'unknown' };

export function NodeMark({ node }: { node: Node }) {
  const why = [node.stateReason, node.stateMessage].filter(Boolean).join(': ');
  return (
    <Mark tone={tones[node.state] ?? 'unknown'} {...(why ? { title: why } : {})}>
      {text(`nodeState.${node.state}`) ?? node.state}
    </Mark>
  );
}

/** That a node takes no new pods, and whose doing that is. */
export function CordonTag({ cluster, node }: { cluster: string; node: Node }) {
  if (!node.unschedulable) return null;
  const by = node.cordonedBy;
  const since = node.cordonedAt ? absolute(new Date(node.cordonedAt)) : '';
  return (
    <Tag tone="warn" title={since}>
      {by && by !== 'kubectl' ? (
        <>
          {t('nodes.cordonedBy')} <a href={to.operation(cluster, by)}>{by}</a>
        </>
      ) : by ? (
        t('nodes.cordonedOutside')
      ) : (
        t('nodes.cordoned')
      )}
    </Tag>
  );
}

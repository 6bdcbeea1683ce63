import { signal } from '@preact/signals';
import type { HostRole } from '../api/v1alpha1';
import { lazy } from '../parts/lazy';
import type { AskedOfBackups } from './ask/backups';
import { AskStart, AskStop } from './ask/cluster';
import { AskAddNode, AskRecover, AskRemoveNode } from './ask/membership';
import { AskCordon, AskDrain, AskRestart } from './ask/nodes';

type Asked = { cluster: string } & (
  | { type: 'Drain' | 'Cordon' | 'Uncordon' | 'Restart'; nodes: readonly string[] }
  | { type: 'RemoveNode' | 'Recover'; node: string }
  | { type: 'AddNode'; host: string; roles?: readonly HostRole[] | undefined; group?: string | undefined }
  | { type: 'Stop' | 'Start' }
  | AskedOfBackups
);

const AskBackups = lazy(() => import('./ask/backups').then((m) => m.AskBackups), { quiet: true });

const asked = signal<Asked | undefined>(undefined);

/** Opens the dialog that asks for a plan of this type. */
export function askFor(what: Asked): void {
  asked.value = what;
}

export function AskDialog() {
  const what = asked.value;
  if (!what) return null;
  const onClose = () => (asked.value = undefined);
  switch (what.type) {
    case 'Drain':
      return <AskDrain {...what} onClose={onClose} />;
    case 'Cordon':
    case 'Uncordon':
      return <AskCordon cluster={what.cluster} nodes={what.nodes} type={what.type} onClose={onClose} />;
    case 'Restart':
      return <AskRestart {...what} onClose={onClose} />;
    case 'Stop':
      return <AskStop {...what} onClose={onClose} />;
    case 'Start':
      return <AskStart {...what} onClose={onClose} />;
    case 'AddNode':
      return <AskAddNode {...what} onClose={onClose} />;
    case 'RemoveNode':
      return <AskRemoveNode {...what} onClose={onClose} />;
    case 'Recover':
      return <AskRecover {...what} onClose={onClose} />;
    default:
      return <AskBackups cluster={what.cluster} what={what} onClose={onClose} />;
  }
}

// The kinds of api/v1alpha1, as far as the console reads and writes them.

export type Severity = 'blocker' | 'warning' | 'info';
export type Phase = 'Pending' | 'Planned' | 'Running' | 'Paused' | 'Cancelling' | 'Succeeded' | 'Failed' | 'Cancelled';

// atWork: it may be changing things, or will go on to (plan.AtWork in Go). A plan that waits for its approval is not.
export const atWork = (phase: Phase) => phase === 'Running' || phase === 'Paused' || phase === 'Cancelling';
export type Health = 'Healthy' | 'Attention' | 'Degraded' | 'Stopped' | 'Unreachable' | 'Unknown';
export type StepState = 'Pending' | 'Running' | 'Done' | 'Skipped' | 'Failed' | 'Undoing' | 'Undone' | 'NotUndone';
export type OperationType =
  | 'Drain'
  | 'Cordon'
  | 'Uncordon'
  | 'Stop'
  | 'Start'
  | 'Restart'
  | 'AddNode'
  | 'RemoveNode'
  | 'Recover'
  | 'Backup'
  | 'Prove'
  | 'CheckBackups'
  | 'Prune'
  | 'RestoreObjects'
  | 'RestoreCluster';

export type Texts = Record<string, string>;

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionTime: string;
}

export interface Way {
  code: 'wait' | 'surge' | 'delete' | string;
  flag: string;
  field: string;
  value?: string;
}

export interface Finding {
  severity: Severity;
  code: string;
  object: string;
  kind?: string;
  message: string;
  params?: Texts;
  ways?: Way[];
  since?: string;
}

export interface Line {
  code: string;
  params?: Texts;
  message?: string;
}

export interface Wait {
  code: string;
  object?: string;
  message?: string;
  params?: Texts;
  since: string;
}

export interface Landing {
  node: string;
  pods: number;
}

export interface Step {
  id: string;
  kind: string;
  group?: string;
  title: string;
  params?: Texts;
  targets?: string[];
  members?: number;
  to?: Landing[];
  forecastSeconds?: number;
  timeoutSeconds?: number;
  undo?: string;
  reverts?: string;
}

export interface Forecast {
  seconds: number;
  atMostSeconds: number;
  basis?: string;
  longest?: Line;
  landings?: Landing[];
  pending?: number;
  counts?: Record<string, number>;
}

export interface Plan {
  digest: string;
  factsDigest: string;
  createdAt: string;
  rehearsal?: { at: string; engine: string; nodes: number; pods: number; milliseconds: number };
  summary?: Line[];
  findings?: Finding[];
  steps: Step[] | null;
  forecast: Forecast;
  pointOfNoReturn?: string;
  memberChunks?: number;
}

export interface Member {
  step: string;
  object: string;
  action?: string;
  owner?: string;
  from?: string;
  to?: string;
  pending?: string;
  budgets?: string[];
  graceSeconds?: number;
}

export interface StepStatus {
  id: string;
  state: StepState;
  attempts?: number;
  startedAt?: string;
  finishedAt?: string;
  done?: number;
  total?: number;
  message?: string;
  /** fail.<code>, with its parameters, of a failed step. */
  code?: string;
  params?: Texts;
}

export interface Report {
  forecastSeconds: number;
  tookSeconds: number;
  lines?: Line[];
  measures?: Record<string, number>;
}

export interface DrainSpec {
  nodes: string[];
  wait?: boolean;
  surge?: string[];
  delete?: string[];
  gracePeriodSeconds?: number;
  timeoutSeconds?: number;
}

export interface NodesSpec {
  nodes: string[];
}

export interface StopSpec {
  /** Tiers of workloads (Kind/namespace/name) that are scaled to zero, one tier after the other. */
  scaleDown?: { workloads: string[] }[];
  drain?: boolean;
  powerOff?: boolean;
  until?: string;
  /** Kind/name of webhook configurations. */
  suspendWebhooks?: string[];
}

export interface StartSpec {
  suspendWebhooks?: string[];
  without?: string[];
}

export type RestartWhat = 'Reboot' | 'Runtime' | 'Kubelet';

export interface RestartSpec {
  nodes: string[];
  what?: RestartWhat;
  maxUnavailable?: number;
  skipDrain?: boolean;
}

export const hostRoles = ['worker', 'control-plane', 'management', 'proxy', 'scanner'] as const;
export type HostRole = (typeof hostRoles)[number];

export interface Taint {
  key: string;
  value?: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

export interface AddNodeSpec {
  host: string;
  role: HostRole;
  group?: string;
  labels?: Record<string, string>;
  taints?: Taint[];
  bundle?: string;
  ignorePreflight?: string[];
}

export interface RemoveNodeSpec {
  node: string;
  dead?: boolean;
  acceptSplitBrain?: string;
  keepHost?: boolean;
}

export interface RecoverSpec {
  node: string;
  reboot?: boolean;
}

export interface BackupSpec {
  policy: string;
  components?: string[];
  pinned?: boolean;
  reason?: string;
}

export interface CheckBackupsSpec {
  policy: string;
  /** Every byte, not only the structure. */
  readData?: boolean;
}

export interface PruneSpec {
  policy: string;
  /** Sets to delete instead of asking the retention. */
  backups?: string[];
}

export interface SnapshotObject {
  group?: string;
  resource: string;
  namespace?: string;
  name: string;
}

export interface RestoreObjectsSpec {
  backup: string;
  objects: SnapshotObject[];
  dependents?: boolean;
  toNamespace?: string;
  recreate?: boolean;
}

export interface RestoreClusterSpec {
  mode: 'AllMembers' | 'Member' | 'Everything';
  backup?: string;
  member?: string;
  unproven?: boolean;
  withoutPresent?: boolean;
}

/** The request of each type stands in the member of its name: exactly that one is set. */
export interface Requests {
  drain?: DrainSpec;
  cordon?: NodesSpec;
  uncordon?: NodesSpec;
  stop?: StopSpec;
  start?: StartSpec;
  restart?: RestartSpec;
  addNode?: AddNodeSpec;
  removeNode?: RemoveNodeSpec;
  recover?: RecoverSpec;
  backup?: BackupSpec;
  prove?: { backup: string };
  checkBackups?: CheckBackupsSpec;
  prune?: PruneSpec;
  restoreObjects?: RestoreObjectsSpec;
  restoreCluster?: RestoreClusterSpec;
}

export interface OperationSpec extends Requests {
  type: OperationType;
  requestedBy?: string;
  approvedPlan?: string;
  approvedBy?: string;
  paused?: boolean;
  cancelled?: boolean;
}

export interface OperationStatus {
  phase?: Phase;
  reason?: string;
  message?: string;
  params?: Texts;
  target?: string;
  stepText?: string;
  plan?: Plan;
  approval?: { plan: string; by?: string; at: string };
  steps?: StepStatus[];
  waiting?: Wait;
  startedAt?: string;
  finishedAt?: string;
  report?: Report;
  logChunks?: number;
  conditions?: Condition[];
}

export interface Operation {
  apiVersion: string;
  kind: 'Operation';
  metadata: { name: string; namespace: string; uid: string; creationTimestamp: string; resourceVersion: string };
  spec: OperationSpec;
  status?: OperationStatus;
}

export interface LogLine {
  n: number;
  t: string;
  level?: 'info' | 'warn' | 'error';
  step?: string;
  code: string;
  object?: string;
  params?: Texts;
  text: string;
}

export interface ClusterStatus {
  health?: Health;
  server?: string;
  version?: string;
  nodes?: { ready: number; total: number };
  pods?: { total: number; running?: number; pending?: number; failed?: number };
  capacity?: { cpu?: Usage; memory?: Usage };
  findings?: Finding[];
  lastSeen?: string;
  conditions?: Condition[];
}

export interface Usage {
  requested?: string;
  allocatable?: string;
}

export interface Cluster {
  metadata: { name: string; namespace: string; resourceVersion: string };
  spec: { demo?: boolean; recovery?: RecoveryPolicy };
  status?: ClusterStatus;
}

/** What may be done to a failing worker without a person. */
export interface RecoveryPolicy {
  enabled?: boolean;
  maxPercent?: number;
  afterSeconds?: number;
  reboot?: boolean;
}

export type HostState = 'Reachable' | 'Unreachable' | 'NoAnswer' | 'HostKeyChanged' | 'HostKeyMissing' | 'Unauthorized' | 'SudoRefused' | 'Unknown';

export interface HostSpec {
  address: string;
  port?: number;
  user?: string;
  keySecret?: string;
  hostKey?: string;
  nodeName?: string;
  roles?: HostRole[];
  group?: string;
  tier?: number;
  power?: { bmc?: { address: string; port?: number; credentialsSecret: string }; command?: string };
}

export interface HostDisk {
  path: string;
  bytes: number;
  available: number;
}

export interface HostFacts {
  os?: string;
  kernel?: string;
  arch?: string;
  hostname?: string;
  bootID?: string;
  bootedAt?: string;
  cpus?: number;
  memory?: string;
  swap?: boolean;
  runtime?: string;
  kubelet?: string;
  kubeadm?: string;
  kubeletState?: string;
  runtimeState?: string;
  etcdMember?: boolean;
  clockOffsetMilliseconds: number;
  clockErrorMilliseconds: number;
  disks?: HostDisk[];
}

export interface Host {
  apiVersion: string;
  kind: 'Host';
  metadata: { name: string; namespace: string; uid: string; creationTimestamp: string; resourceVersion: string };
  spec: HostSpec;
  status?: {
    state?: HostState;
    message?: string;
    params?: Texts;
    fingerprint?: string;
    addresses?: { type: string; address: string }[];
    facts?: HostFacts;
    power?: string;
    lastSeen?: string;
    conditions?: Condition[];
  };
}

// The shapes of api/inventory: rows made for reading, served under /kanrin/v1.
import type { BackupPolicy, BackupPolicySpec, SetPhase } from './backupkinds';
import type { ClusterStatus, Finding, HostRole, HostState, Phase, SnapshotObject, Texts, Wait } from './v1alpha1';

export interface Page<T> {
  items: T[] | null;
  total: number;
  offset: number;
  revision: number;
  staleSince?: string;
}

export interface Resources {
  cpuMilli: number;
  memoryBytes: number;
  pods?: number;
}

export interface Node {
  name: string;
  uid: string;
  created: string;
  state: 'Ready' | 'NotReady' | 'Unknown';
  stateReason?: string;
  stateMessage?: string;
  roles?: string[];
  zone?: string;
  version?: string;
  unschedulable?: boolean;
  cordonedBy?: string;
  cordonedAt?: string;
  addresses?: string[];
  os?: string;
  kernel?: string;
  runtime?: string;
  taints?: string[];
  pressure?: string[];
  allocatable: Resources;
  requested: Resources;
  pods: number;
}

export interface Budget {
  name: string;
  rule: string;
  healthy: number;
  desired: number;
  allowed: number;
  expected: number;
}

export interface Workload {
  kind: string;
  namespace: string;
  name: string;
  uid: string;
  created: string;
  state: 'Healthy' | 'Progressing' | 'Degraded' | 'Finished';
  reason?: string;
  ready: number;
  desired: number;
  zones?: Record<string, number>;
  budgets?: Budget[];
  images?: string[];
  priority?: string;
  requests: Resources;
  surgedBy?: string;
}

export interface Volume {
  claim: string;
  class?: string;
  zones?: string[];
  nodes?: string[];
  bytes?: number;
  bound: boolean;
}

export interface Pod {
  namespace: string;
  name: string;
  uid: string;
  created: string;
  state: string;
  reason?: string;
  ready: number;
  total: number;
  restarts: number;
  node?: string;
  zone?: string;
  owner?: string;
  ip?: string;
  requests: Resources;
  class: 'evictable' | 'daemonset' | 'static' | 'finished' | 'unmanaged';
  localData?: string[];
  volumes?: Volume[];
  budgets?: Budget[];
}

export interface Event {
  time: string;
  type: string;
  reason: string;
  object: string;
  message: string;
  count?: number;
  source?: string;
}

export interface Zone {
  name: string;
  nodes: number;
  ready: number;
  allocatable: Resources;
  requested: Resources;
}

export interface OperationRow {
  cluster: string;
  name: string;
  type: string;
  target: string;
  phase: Phase;
  reason?: string;
  message?: string;
  params?: Record<string, string>;
  stepText?: string;
  by?: string;
  created: string;
  started?: string;
  finished?: string;
  digest?: string;
  blockers?: number;
  waiting?: Wait;
  forecastSeconds?: number;
}

export interface ClusterRow {
  name: string;
  demo?: boolean;
  status: ClusterStatus;
  findings?: Finding[];
  running?: OperationRow[];
  recent?: OperationRow[];
  zones?: Zone[];
  access?: Access;
}

export interface Overview {
  clusters: ClusterRow[] | null;
  diskFreeBytes?: number;
  diskFull?: boolean;
}

export interface PendingPod {
  pod: string;
  owner?: string;
  reason: string;
  volume?: string;
  cpuMilli: number;
  memoryBytes: number;
}

export interface ZoneLoss extends Zone {
  share: number;
  limit: number;
  lostPods: number;
  pending?: PendingPod[];
  shortfall: Resources;
}

export interface Capacity {
  overhead: number;
  allocatable: Resources;
  requested: Resources;
  zones: ZoneLoss[] | null;
  sized: boolean;
  engine?: string;
}

/** A row of the list of machines. */
export interface Host {
  name: string;
  uid: string;
  created: string;
  address: string;
  port: number;
  user: string;
  roles?: HostRole[];
  node?: string;
  group?: string;
  tier: number;
  state: HostState;
  message?: string;
  params?: Texts;
  fingerprint?: string;
  os?: string;
  kernel?: string;
  runtime?: string;
  kubelet?: string;
  power?: string;
  powerBy?: 'bmc' | 'command';
  lastSeen?: string;
  clockOffsetMilliseconds: number;
  clockErrorMilliseconds: number;
}

export interface ScannedKey {
  key: string;
  fingerprint: string;
  type: string;
}

export type Area = 'clusters' | 'nodes' | 'pods' | 'workloads' | 'operations' | 'hosts' | 'backups';

export interface Change {
  cluster: string;
  area: Area;
  revision: number;
}

export type Role = 'Administrator' | 'Operator' | 'Editor' | 'Viewer';

export interface Session {
  user: string;
  groups?: string[];
  expires: string;
  csrf?: string;
  version: string;
  role?: Role | '';
}

export interface User {
  name: string;
  password?: string;
  roles?: Record<string, Role>;
  disabled?: boolean;
  created?: string;
}

/** What the caller may do in one cluster: resource → verb → allowed. */
export type Access = Record<string, Record<string, boolean>>;

export interface SnapshotSummary {
  backup: string;
  at: string;
  revision: number;
  objects: number;
  resources: { group?: string; resource: string; count: number }[];
}

export interface SnapshotItem extends SnapshotObject {
  revision: number;
}

/** A part of a list that goes on at `next`. */
export interface CursorPage<T> {
  items: T[] | null;
  total: number;
  next?: string;
}

export interface SnapshotContent extends SnapshotObject {
  backup: string;
  at: string;
  revision?: number;
  yaml: string;
  redacted?: boolean;
}

export type ChangeType = 'Same' | 'Added' | 'Removed' | 'Changed' | 'Recreated';

export interface SnapshotDiff extends SnapshotObject {
  from: string;
  to: string;
  type: ChangeType;
  unified?: string;
  changes?: { path: string; type: 'Added' | 'Removed' | 'Changed'; from?: string; to?: string }[];
  by?: { manager: string; operation: string; time: string }[];
}

export interface SnapshotChange extends SnapshotObject {
  type: ChangeType;
}

export interface SnapshotVersion {
  backup: string;
  at: string;
  phase: SetPhase;
  /** Seen from the set before. */
  change: 'Absent' | 'Added' | 'Changed' | 'Same' | 'Removed';
  revision?: number;
}

export interface SnapshotHistory extends SnapshotObject {
  /** Newest first. */
  versions: SnapshotVersion[];
}

/** Makes or replaces a policy; secrets that are empty stay as they are. */
export interface SetBackupPolicy {
  name: string;
  spec: BackupPolicySpec;
  password?: string;
  identity?: string;
  accessKeyID?: string;
  secretAccessKey?: string;
  sshKey?: string;
}

export interface BackupPolicySet {
  policy: BackupPolicy;
  created: boolean;
  found: number;
}

// The kinds BackupPolicy, Backup and Drill of api/v1alpha1, as far as the console reads and writes them.
import type { Condition, Line, Texts } from './v1alpha1';

interface Meta {
  name: string;
  namespace: string;
  uid?: string;
  creationTimestamp?: string;
  resourceVersion?: string;
}

export interface KindList<T> {
  items: T[];
}

export type RepositoryType = 'Filesystem' | 'S3' | 'SFTP';

export interface S3Repository {
  endpoint: string;
  bucket: string;
  prefix?: string;
  region?: string;
  caBundle?: string;
  plainHTTP?: boolean;
}

export interface SFTPRepository {
  host: string;
  port?: number;
  user: string;
  path: string;
  hostKey: string;
}

export interface BackupRepository {
  type: RepositoryType;
  path?: string;
  s3?: S3Repository;
  sftp?: SFTPRepository;
  secretName?: string;
  appendOnly?: boolean;
}

/** A part of a set. The console shows and keeps all of it; it edits none. */
export interface BackupComponent {
  name: string;
  type: string;
  optional?: boolean;
  [more: string]: unknown;
}

export interface QuietHours {
  from: string;
  to: string;
}

export interface BackupSchedule {
  cron: string;
  timeZone?: string;
  jitterSeconds?: number;
  quietHours?: QuietHours[];
  missed?: 'RunOnce' | 'Skip';
}

export const retentionRules = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type BackupRetention = Partial<Record<(typeof retentionRules)[number], number>>;

export interface BackupProof {
  everyBackup?: boolean;
  cron?: string;
  allowDisk?: boolean;
}

export interface BackupPolicySpec {
  repository: BackupRepository;
  copies?: BackupRepository[];
  components?: BackupComponent[];
  sealTo?: string[];
  schedule?: BackupSchedule;
  retention?: BackupRetention;
  proof?: BackupProof;
  maxProvenAgeHours?: number;
  suspended?: boolean;
}

export interface BackupMoment {
  name: string;
  /** When the set was made. */
  at: string;
}

export interface BackupPolicy {
  metadata: Meta;
  spec: BackupPolicySpec;
  status?: {
    lastBackup?: BackupMoment;
    lastProven?: BackupMoment;
    nextBackup?: string;
    nextProof?: string;
    recipient?: string;
    sets?: number;
    conditions?: Condition[];
  };
}

export const setPhases = ['InProgress', 'Failed', 'Incomplete', 'Captured', 'Proven', 'ProofFailed'] as const;
export type SetPhase = (typeof setPhases)[number];

export interface ComponentStatus {
  name: string;
  type: string;
  state: 'Captured' | 'Missing';
  optional?: boolean;
  digest?: string;
  files?: number;
  bytes?: number;
  startedAt?: string;
  milliseconds?: number;
  revision?: number;
  version?: string;
  from?: string;
  code?: string;
  params?: Texts;
  message?: string;
}

export interface SetProof {
  drill: string;
  at: string;
  passed: boolean;
  recoverySeconds?: number;
  digest: string;
  problems?: number;
}

export interface Backup {
  metadata: Meta;
  spec: { policy: string; reason?: 'Manual' | 'Scheduled' | 'BeforeRestore'; pinned?: boolean };
  status?: {
    phase?: SetPhase;
    operation?: string;
    startedAt?: string;
    finishedAt?: string;
    snapshotID?: string;
    digest?: string;
    revision?: number;
    objects?: number;
    bytes?: number;
    files?: number;
    missing?: number;
    kubernetesVersion?: string;
    kanrinVersion?: string;
    components?: ComponentStatus[];
    proof?: SetProof;
    copies?: { repository: string; at: string }[];
    keep?: string[];
  };
}

/** One proof of a set, signed; its name is the operation's. */
export interface Drill {
  metadata: Meta;
  result: {
    cluster: string;
    backup: string;
    digest: string;
    passed: boolean;
    startedAt: string;
    finishedAt: string;
    recoverySeconds?: number;
    objects?: number;
    keys?: number;
    secrets?: number;
    files?: number;
    bytes?: number;
    kubernetesVersion?: string;
    stages?: { name: string; milliseconds: number }[];
    databases?: { component: string; server: string; tables: number; rows: number }[];
    problems?: Line[];
    notes?: Line[];
  };
  statement: string;
  signature: string;
  publicKey: string;
}

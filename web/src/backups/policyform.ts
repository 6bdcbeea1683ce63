import { type BackupPolicy, type BackupPolicySpec, type BackupSchedule, type RepositoryType, retentionRules } from '../api/backupkinds';
import type { SetBackupPolicy } from '../api/inventory';
import { isCron } from './cron';

/** What the form of a policy holds: texts as they are typed. */
export interface PolicyForm {
  name: string;
  type: RepositoryType;
  path: string;
  endpoint: string;
  bucket: string;
  prefix: string;
  region: string;
  caBundle: string;
  plainHTTP: boolean;
  accessKeyID: string;
  secretAccessKey: string;
  host: string;
  port: string;
  user: string;
  sftpPath: string;
  hostKey: string;
  sshKey: string;
  password: string;
  identity: string;
  appendOnly: boolean;
  scheduled: boolean;
  cron: string;
  timeZone: string;
  quiet: string;
  jitter: string;
  skipMissed: boolean;
  retention: Record<(typeof retentionRules)[number], string>;
  proveEvery: boolean;
  proofCron: string;
  allowDisk: boolean;
  maxAge: string;
  sealTo: string;
  suspended: boolean;
}

const number = (n: number | undefined) => (n ? String(n) : '');

/** The form of a policy that is changed, or of a new one in the time zone of who makes it. */
export function formOf(policy: BackupPolicy | undefined, timeZone: string): PolicyForm {
  const s = policy?.spec;
  const r = s?.repository;
  const kept = s?.retention ?? (s ? {} : { last: 3, daily: 7, weekly: 4, monthly: 6 });
  return {
    name: policy?.metadata.name ?? 'default',
    type: r?.type ?? 'Filesystem',
    path: r?.path ?? '',
    endpoint: r?.s3?.endpoint ?? '',
    bucket: r?.s3?.bucket ?? '',
    prefix: r?.s3?.prefix ?? '',
    region: r?.s3?.region ?? '',
    caBundle: r?.s3?.caBundle ?? '',
    plainHTTP: r?.s3?.plainHTTP ?? false,
    accessKeyID: '',
    secretAccessKey: '',
    host: r?.sftp?.host ?? '',
    port: number(r?.sftp?.port),
    user: r?.sftp?.user ?? '',
    sftpPath: r?.sftp?.path ?? '',
    hostKey: r?.sftp?.hostKey ?? '',
    sshKey: '',
    password: '',
    identity: '',
    appendOnly: r?.appendOnly ?? false,
    scheduled: s ? s.schedule !== undefined : true,
    cron: s?.schedule?.cron ?? '0 2 * * *',
    timeZone: s?.schedule ? (s.schedule.timeZone ?? 'UTC') : timeZone,
    quiet: (s?.schedule?.quietHours ?? []).map((q) => `${q.from}-${q.to}`).join(' '),
    jitter: number(s?.schedule?.jitterSeconds ? Math.round(s.schedule.jitterSeconds / 60) : 0),
    skipMissed: s?.schedule?.missed === 'Skip',
    retention: Object.fromEntries(retentionRules.map((rule) => [rule, number((kept as Record<string, number>)[rule])])) as PolicyForm['retention'],
    proveEvery: s ? (s.proof?.everyBackup ?? false) : true,
    proofCron: s?.proof?.cron ?? '',
    allowDisk: s?.proof?.allowDisk ?? false,
    maxAge: String(s?.maxProvenAgeHours || 48),
    sealTo: (s?.sealTo ?? []).join('\n'),
    suspended: s?.suspended ?? false,
  };
}

export type FormFault =
  | 'name'
  | 'taken'
  | 'path'
  | 'endpoint'
  | 'bucket'
  | 'accessKey'
  | 'host'
  | 'port'
  | 'user'
  | 'sftpPath'
  | 'hostKey'
  | 'sshKey'
  | 'cron'
  | 'timeZone'
  | 'quiet'
  | 'jitter'
  | 'retention'
  | 'proofCron'
  | 'maxAge'
  | 'sealTo';

const policyName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const span = /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/;
const within = (text: string, low: number, high: number) => text === '' || (/^\d{1,6}$/.test(text) && Number(text) >= low && Number(text) <= high);
const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** The first thing that is not right; undefined when the server may be asked. A new policy needs the keys of its storage. */
export function faultOf(f: PolicyForm, fresh: boolean, taken: readonly string[]): FormFault | undefined {
  if (!policyName.test(f.name)) return 'name';
  if (fresh && taken.includes(f.name)) return 'taken';
  if (f.type === 'Filesystem' && !/^\/.+/.test(f.path)) return 'path';
  if (f.type === 'S3') {
    if (!/^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-fA-F:]+\](:\d{1,5})?$/.test(f.endpoint)) return 'endpoint';
    if (f.bucket.length < 3 || f.bucket.length > 63) return 'bucket';
    if (fresh ? f.accessKeyID === '' || f.secretAccessKey === '' : (f.accessKeyID === '') !== (f.secretAccessKey === '')) return 'accessKey';
  }
  if (f.type === 'SFTP') {
    if (f.host === '') return 'host';
    if (!within(f.port, 1, 65535)) return 'port';
    if (f.user === '') return 'user';
    if (!/^\/.+/.test(f.sftpPath)) return 'sftpPath';
    if (!/^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+/.test(f.hostKey.trim())) return 'hostKey';
    if (fresh && f.sshKey.trim() === '') return 'sshKey';
  }
  if (f.scheduled) {
    if (!isCron(f.cron)) return 'cron';
    if (!isTimeZone(f.timeZone)) return 'timeZone';
    if (!words(f.quiet).every((w) => span.test(w))) return 'quiet';
    if (!within(f.jitter, 0, 1440)) return 'jitter';
  }
  if (!retentionRules.every((rule) => within(f.retention[rule], 0, 10_000))) return 'retention';
  if (f.proofCron.trim() !== '' && !isCron(f.proofCron)) return 'proofCron';
  if (!within(f.maxAge, 1, 8784)) return 'maxAge';
  if (!words(f.sealTo).every((w) => /^age1[a-z0-9]{50,100}$/.test(w))) return 'sealTo';
  return undefined;
}

function isTimeZone(name: string): boolean {
  if (name === '') return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The request of the form. What the form does not show of a policy that is changed (components, copies) stays as it is. */
export function requestOf(f: PolicyForm, before: BackupPolicySpec | undefined): SetBackupPolicy {
  const repository: BackupPolicySpec['repository'] = {
    type: f.type,
    ...(f.type === 'Filesystem' && { path: f.path }),
    ...(f.type === 'S3' && {
      s3: {
        endpoint: f.endpoint,
        bucket: f.bucket,
        ...(f.prefix && { prefix: f.prefix }),
        ...(f.region && { region: f.region }),
        ...(f.caBundle.trim() && { caBundle: f.caBundle }),
        ...(f.plainHTTP && { plainHTTP: true }),
      },
    }),
    ...(f.type === 'SFTP' && {
      sftp: { host: f.host, ...(f.port && f.port !== '22' && { port: Number(f.port) }), user: f.user, path: f.sftpPath, hostKey: f.hostKey.trim() },
    }),
    // Required by the kind; the server names it for a policy that is new.
    secretName: before?.repository.secretName ?? '',
    ...(f.appendOnly && { appendOnly: true }),
  };
  const retention = Object.fromEntries(retentionRules.flatMap((rule) => (Number(f.retention[rule]) > 0 ? [[rule, Number(f.retention[rule])]] : [])));
  const seal = words(f.sealTo);
  const spec: BackupPolicySpec = {
    repository,
    ...(before?.copies && { copies: before.copies }),
    ...(before?.components && { components: before.components }),
    ...(seal.length > 0 && { sealTo: seal }),
    ...(f.scheduled && { schedule: scheduleOf(f) }),
    retention,
    proof: { ...(f.proveEvery && { everyBackup: true }), ...(f.proofCron.trim() && { cron: f.proofCron.trim() }), ...(f.allowDisk && { allowDisk: true }) },
    ...(Number(f.maxAge) > 0 && { maxProvenAgeHours: Number(f.maxAge) }),
    ...(f.suspended && { suspended: true }),
  };
  const secrets = {
    password: f.password,
    identity: f.identity.trim(),
    accessKeyID: f.type === 'S3' ? f.accessKeyID : '',
    secretAccessKey: f.type === 'S3' ? f.secretAccessKey : '',
    sshKey: f.type === 'SFTP' && f.sshKey.trim() ? `${f.sshKey.trimEnd()}\n` : '',
  };
  return { name: f.name, spec, ...Object.fromEntries(Object.entries(secrets).filter(([, v]) => v !== '')) };
}

function scheduleOf(f: PolicyForm): BackupSchedule {
  const quietHours = words(f.quiet).map((w) => {
    const [from = '', to = ''] = w.split('-');
    return { from, to };
  });
  return {
    cron: f.cron.trim(),
    ...(f.timeZone && f.timeZone !== 'UTC' && { timeZone: f.timeZone }),
    ...(Number(f.jitter) > 0 && { jitterSeconds: Number(f.jitter) * 60 }),
    ...(quietHours.length > 0 && { quietHours }),
    missed: f.skipMissed ? 'Skip' : 'RunOnce',
  };
}

// Made-up backups: ?many in the referring address gives hundreds of sets, ?broken a repository that cannot be opened.
import type { Backup, BackupPolicy, Drill } from '../src/api/backupkinds';
import type { SnapshotItem } from '../src/api/inventory';
import { ago, now } from './world.ts';

const hour = 3600;
const name = (at: string, i: number) => `${at.slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${(4096 + i * 37).toString(16).slice(-4)}`;
const phases = ['Proven', 'Proven', 'Captured', 'Proven', 'Incomplete', 'Proven', 'ProofFailed', 'Failed'] as const;

function set(i: number): Backup {
  const at = ago(i * 6 * hour + 1800);
  const phase = i === 0 ? 'Captured' : (phases[i % phases.length] ?? 'Proven');
  const sealed = phase !== 'Failed';
  const end = new Date(Date.parse(at) + 41_000).toISOString();
  return {
    metadata: { name: name(at, i), namespace: 'demo', creationTimestamp: at },
    spec: { policy: i % 9 === 8 ? 'offsite' : 'main', reason: i % 5 === 2 ? 'Manual' : 'Scheduled', pinned: i === 5 },
    status: {
      phase,
      operation: `backup-${i}x4k2`,
      startedAt: at,
      finishedAt: end,
      ...(sealed && {
        snapshotID: 'k9f3a1b2c4d5e6f70819a2b3c4d5e6f7',
        digest: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        revision: 184_233 - i * 911,
        objects: 21_480 - i * 13,
        bytes: 412_000_000 - i * 1_300_000,
        files: 1_204,
      }),
      missing: phase === 'Incomplete' ? 2 : 0,
      kubernetesVersion: 'v1.36.3',
      kanrinVersion: 'v0.4.0',
      components: sealed
        ? [
            { name: 'etcd', type: 'Etcd', state: 'Captured', digest: 'sha256:1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014', files: 2, bytes: 388_000_000, startedAt: at, milliseconds: 3_420, revision: 184_233, version: '3.6.8', from: 'cp-2' },
            { name: 'keys', type: 'ClusterDirectory', state: 'Captured', digest: 'sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752', files: 3, bytes: 92_160, milliseconds: 812, from: 'cp-1, cp-2, cp-3' },
            { name: 'resources', type: 'Resources', state: 'Captured', digest: 'sha256:fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13', files: 1_197, bytes: 22_400_000, milliseconds: 8_120, version: 'v1.36.3' },
            { name: 'registry', type: 'Directory', state: 'Captured', digest: 'sha256:a4e624d686e03ed2767c0abd85c14426b0b1157d2ce81d27bb4fe4f6f01d688a', files: 402, bytes: 91_000_000, milliseconds: 22_700, from: 'mgmt-1' },
            ...(phase === 'Incomplete'
              ? ([
                  { name: 'orders-db', type: 'MariaDB', state: 'Missing', code: 'CommandFailed', params: { where: 'data/mariadb-0', error: 'mysqldump: Got error: 1045: Access denied for user' }, message: '' },
                  { name: 'volumes/data-search-1', type: 'VolumeSnapshots', state: 'Missing', optional: true, code: 'NoVolumeSnapshots', params: {}, message: '' },
                ] as const)
              : []),
          ]
        : [],
      ...((phase === 'Proven' || phase === 'ProofFailed') && {
        proof: { drill: `prove-${i}`, at: end, passed: phase === 'Proven', recoverySeconds: 24, digest: 'sha256:9f86', problems: phase === 'Proven' ? 0 : 2 },
      }),
      keep: i === 1 ? ['LastProven', 'Last 2', `Daily ${at.slice(0, 10)}`] : i < 3 ? [`Last ${i + 1}`] : i % 4 === 0 ? [`Daily ${at.slice(0, 10)}`, 'Weekly 2026-W47'] : i === 5 ? ['Pinned'] : [],
      copies: i % 2 ? [{ repository: 'S3 s3.example.com/backups/prod', at: end }] : [],
    },
  } as Backup;
}

const sets = Array.from({ length: 600 }, (_, i) => set(i));

const policies: BackupPolicy[] = [
  {
    metadata: { name: 'main', namespace: 'demo' },
    spec: {
      repository: { type: 'Filesystem', path: '/var/backups/kanrin/demo', secretName: 'backup-main' },
      copies: [{ type: 'S3', s3: { endpoint: 's3.example.com', bucket: 'backups', prefix: 'prod' }, secretName: 'backup-copy' }],
      components: ['etcd', 'keys', 'resources', 'registry', 'orders-db'].map((n) => ({ name: n, type: 'Directory' })),
      schedule: { cron: '0 */6 * * *', timeZone: 'Asia/Tokyo', quietHours: [{ from: '08:00', to: '10:00' }] },
      retention: { last: 3, daily: 7, weekly: 4, monthly: 6 },
      proof: { everyBackup: true },
    },
    status: {
      lastBackup: { name: sets[0]?.metadata.name ?? '', at: sets[0]?.status?.startedAt ?? '' },
      lastProven: { name: sets[1]?.metadata.name ?? '', at: sets[1]?.status?.startedAt ?? '' },
      nextBackup: ago(-5.5 * hour),
      sets: 24,
      conditions: [{ type: 'RepositoryReady', status: 'True', reason: 'Opened', message: '', lastTransitionTime: ago(9000) }],
    },
  },
];

const broken: BackupPolicy = {
  metadata: { name: 'offsite', namespace: 'demo' },
  spec: { repository: { type: 'SFTP', sftp: { host: 'backup.example.com', user: 'kanrin', path: '/srv/backups/prod', hostKey: 'ssh-ed25519 AAAA' }, appendOnly: true }, suspended: true },
  status: { sets: 0, conditions: [{ type: 'RepositoryReady', status: 'False', reason: 'NotOpened', message: 'sftp: dial tcp 192.0.2.7:22: connect: connection refused', lastTransitionTime: ago(9000) }] },
};

const drill = (backup: Backup): Drill => ({
  metadata: { name: backup.status?.proof?.drill ?? '', namespace: 'demo' },
  result: {
    cluster: 'demo',
    backup: backup.metadata.name,
    digest: backup.status?.digest ?? '',
    passed: backup.status?.proof?.passed ?? false,
    startedAt: ago(1800),
    finishedAt: backup.status?.proof?.at ?? '',
    recoverySeconds: 24,
    objects: 21_480,
    keys: 21_502,
    secrets: 318,
    files: 1_204,
    bytes: 412_000_000,
    kubernetesVersion: 'v1.36.3',
    stages: [
      ['Verify', 6_100],
      ['Snapshot', 900],
      ['Restore', 4_300],
      ['Etcd', 1_200],
      ['Keys', 3_100],
      ['API', 11_400],
      ['Objects', 9_800],
      ['Database orders-db', 5_200],
    ].map(([n, ms]) => ({ name: String(n), milliseconds: Number(ms) })),
    databases: [{ component: 'orders-db', server: 'MariaDB 10.11', tables: 42, rows: 918_221 }],
    problems: backup.status?.proof?.passed
      ? []
      : [
          { code: 'KeyDiffers', params: { object: '/registry/configmaps/shop/web', what: 'Value' } },
          { code: 'DecryptFailed', params: { object: 'secrets shop/web-tls' } },
        ],
    notes: [{ code: 'AggregatedAPI', params: { object: 'metrics.k8s.io' } }],
  },
  statement: '{}',
  signature: 'c2ln',
  publicKey: 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=',
});

const resources = [
  ['', 'configmaps', 214],
  ['apps', 'deployments', 96],
  ['apps', 'statefulsets', 14],
  ['', 'namespaces', 12],
  ['', 'nodes', 12],
  ['', 'pods', 412],
  ['', 'secrets', 318],
  ['', 'services', 120],
  ['rbac.authorization.k8s.io', 'clusterrolebindings', 71],
  ['rbac.authorization.k8s.io', 'clusterroles', 88],
  ['customresources.shop.example.com', 'promotions', 20_000],
].map(([group, resource, count]) => ({ ...(group && { group: String(group) }), resource: String(resource), count: Number(count) }));

const namespaces = ['shop', 'data', 'payments', 'kube-system', 'monitoring'];

function* objects(q: URLSearchParams): Generator<SnapshotItem> {
  for (const r of resources) {
    if (q.get('resource') && (q.get('resource') !== r.resource || (q.get('group') ?? '') !== (r.group ?? ''))) continue;
    for (let i = 0; i < r.count; i++) {
      const global = ['namespaces', 'nodes', 'clusterroles', 'clusterrolebindings'].includes(r.resource);
      yield {
        ...(r.group && { group: r.group }),
        resource: r.resource,
        ...(!global && { namespace: namespaces[i % namespaces.length] }),
        name: r.resource === 'namespaces' ? (namespaces[i] ?? `team-${i}`) : `${r.resource.replace(/s$/, '')}-${i}`,
        revision: 180_000 - i,
      };
    }
  }
}

const yaml = 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    app: web\n  name: deployment-0\n  namespace: shop\nspec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n      containers:\n        - image: registry.example.com/shop/web:1.14.2\n          name: web\n';
const unified = `--- set\n+++ live\n@@ -6,7 +6,7 @@\n   name: deployment-0\n   namespace: shop\n spec:\n-  replicas: 3\n+  replicas: 1\n   selector:\n     matchLabels:\n       app: web\n@@ -17,4 +17,4 @@\n     spec:\n       containers:\n-        - image: registry.example.com/shop/web:1.14.2\n+        - image: registry.example.com/shop/web:1.15.0-rc.1-with-a-rather-long-tag-that-does-not-fit-a-phone\n           name: web\n`;

/** The answer to a request about backups; undefined when it is about something else. */
export function backups(path: string, q: URLSearchParams, from: string): unknown {
  const shown = from.includes('many') ? sets : sets.slice(0, 24);
  const none = from.includes('nobackups');
  if (path.endsWith('/backuppolicies')) return { items: none ? [] : from.includes('broken') ? [...policies, broken] : policies };
  if (/\/namespaces\/[^/]+\/backups$/.test(path)) return { items: none ? [] : shown };
  const one = /\/namespaces\/[^/]+\/backups\/([^/]+)$/.exec(path);
  if (one) return sets.find((s) => s.metadata.name === one[1] || s.status?.phase === one[1]);
  const proof = /\/drills\/([^/]+)$/.exec(path);
  if (proof) return drill(sets.find((s) => s.status?.proof?.drill === proof[1]) ?? set(1));
  const route = /\/snapshots\/(\w+)$/.exec(path)?.[1];
  const backup = q.get('backup') ?? '';
  const at = sets.find((s) => s.metadata.name === backup)?.status?.startedAt ?? new Date(now).toISOString();
  const limit = Number(q.get('limit') ?? 200);
  const cut = <T>(rows: T[]) => {
    const start = Number(q.get('cursor') ?? 0);
    return { items: rows.slice(start, start + limit), total: rows.length, ...(start + limit < rows.length && { next: String(start + limit) }) };
  };
  const words = (q.get('q') ?? '').toLowerCase();
  switch (route) {
    case 'resources':
      return { backup, at, revision: 1, objects: resources.reduce((n, r) => n + r.count, 0), resources };
    case 'objects':
      return { backup, at, ...cut([...objects(q)].filter((o) => (!q.get('namespace') || o.namespace === q.get('namespace')) && o.name.includes(words))) };
    case 'object':
      return { backup, at, resource: q.get('resource'), name: q.get('name'), revision: 179_230, yaml, redacted: q.get('resource') === 'secrets' && !q.get('reveal') };
    case 'diff':
      return {
        from: q.get('from'),
        to: q.get('to'),
        resource: q.get('resource'),
        name: q.get('name'),
        type: q.get('to') === 'live' ? 'Changed' : 'Same',
        ...(q.get('to') === 'live' && {
          unified,
          changes: [
            { path: 'spec.replicas', type: 'Changed', from: '3', to: '1' },
            { path: 'spec.template.spec.containers[web].image', type: 'Changed', from: 'registry.example.com/shop/web:1.14.2', to: 'registry.example.com/shop/web:1.15.0-rc.1' },
          ],
          by: [{ manager: 'kubectl-client-side-apply', operation: 'Update', time: ago(2400) }],
        }),
      };
    case 'changes':
      return {
        from: q.get('from'),
        to: q.get('to'),
        ...cut([...objects(new URLSearchParams('resource=configmaps'))].map((o, i) => ({ ...o, type: ['Added', 'Changed', 'Removed', 'Recreated'][i % 4] }))),
      };
    case 'history':
      return {
        resource: q.get('resource'),
        name: q.get('name'),
        versions: shown.filter((s) => s.status?.snapshotID).map((s, i, all) => ({ backup: s.metadata.name, at: s.status?.startedAt, phase: s.status?.phase, change: i > all.length - 4 ? 'Absent' : i === all.length - 4 ? 'Added' : i % 5 === 2 ? 'Changed' : 'Same', revision: 1 })),
      };
    default:
      return undefined;
  }
}

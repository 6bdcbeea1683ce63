import { describe, expect, it } from 'vitest';
import { asCommand, requestOf as again, withWay } from '../../src/api/operations';
import type { Backup, BackupPolicy } from '../../src/api/backupkinds';
import { byCursor } from '../../src/api/backups';
import { isCron, rhythmOf } from '../../src/backups/cron';
import { countLines, diffLines, direction, timeline, withQuery } from '../../src/backups/history/place';
import { faultOf, formOf, requestOf } from '../../src/backups/policyform';
import { keepOf, mendOf, placeOf, setFilter, setOrder, standingOf, suffixOf } from '../../src/backups/state';

const now = Date.parse('2026-11-22T12:00:00Z');
const hoursAgo = (h: number) => new Date(now - h * 3_600_000).toISOString();

function policy(name: string, proven?: number, more: Partial<BackupPolicy['spec']> = {}): BackupPolicy {
  return {
    metadata: { name, namespace: 'demo' },
    spec: { repository: { type: 'Filesystem', path: '/b', secretName: 's' }, ...more },
    status: proven === undefined ? {} : { lastProven: { name: `set-${proven}`, at: hoursAgo(proven) } },
  };
}

function set(name: string, age: number, phase: NonNullable<Backup['status']>['phase'] = 'Captured', more: Partial<NonNullable<Backup['status']>> = {}): Backup {
  return { metadata: { name, namespace: 'demo' }, spec: { policy: 'main' }, status: { phase, startedAt: hoursAgo(age), snapshotID: 'k1', revision: 100 - age, ...more } };
}

describe('how a cluster stands', () => {
  it('is said by the newest proven set of all policies', () => {
    expect(standingOf([], now)).toEqual({ state: 'none' });
    expect(standingOf([policy('a')], now)).toEqual({ state: 'never' });
    expect(standingOf([policy('a', 60), policy('b', 3), policy('c')], now)).toMatchObject({ state: 'proven', set: 'set-3' });
  });
  it('is too old past the limit of the policy, which is 48 h unless it says so', () => {
    expect(standingOf([policy('a', 47.9)], now).state).toBe('proven');
    expect(standingOf([policy('a', 48.1)], now).state).toBe('old');
    expect(standingOf([policy('a', 48.1, { maxProvenAgeHours: 72 })], now).state).toBe('proven');
    expect(standingOf([policy('a', 5, { maxProvenAgeHours: 4 })], now).state).toBe('old');
  });
});

describe('what mends a finding', () => {
  const fresh = (age: number, phase: NonNullable<Backup['status']>['phase']) => ({ ...set('s', 0, phase), status: { ...set('s', 0, phase).status, startedAt: new Date(Date.now() - age * 3_600_000).toISOString() } }) as Backup;
  it('is the proof of the newest set when only that lacks', () => {
    expect(mendOf('ProofTooOld', 'BackupPolicy', 'main', [policy('main')], [fresh(2, 'Captured')])).toEqual({ kind: 'prove', backup: 's' });
  });
  it('is a new set when the newest is old, faulty or not there', () => {
    const anew = { kind: 'backup', policy: 'main' };
    expect(mendOf('NeverProven', 'BackupPolicy', 'main', [policy('main')], [])).toEqual(anew);
    expect(mendOf('ProofTooOld', 'BackupPolicy', 'main', [policy('main')], [fresh(100, 'Captured')])).toEqual(anew);
    expect(mendOf('ProofTooOld', 'BackupPolicy', 'main', [policy('main')], [fresh(2, 'Incomplete')])).toEqual(anew);
    expect(mendOf('ProofFailed', 'Backup', 's', [policy('other')], [fresh(2, 'ProofFailed')])).toEqual(anew);
  });
  it('is a look where a person has to decide', () => {
    expect(mendOf('RepositoryNotReady', 'BackupPolicy', 'main', [policy('main')], [])).toEqual({ kind: 'look' });
    expect(mendOf('BackupIncomplete', 'Backup', 'gone', [], [])).toEqual({ kind: 'look' });
  });
});

describe('sets', () => {
  const rows = [set('b', 5, 'Proven', { objects: 9 }), set('a', 1), set('c', 9, 'Failed', { snapshotID: '' })];
  it('are ordered newest first, or as asked', () => {
    const names = (sort: string) => [...rows].sort(setOrder(sort)).map((s) => s.metadata.name);
    expect(names('-time')).toEqual(['a', 'b', 'c']);
    expect(names('time')).toEqual(['c', 'b', 'a']);
    expect(names('-objects')[0]).toBe('b');
  });
  it('are filtered by phase, policy and words', () => {
    const names = (q: string) => rows.filter(setFilter(new URLSearchParams(q))).map((s) => s.metadata.name);
    expect(names('phase=Proven')).toEqual(['b']);
    expect(names('policy=other')).toEqual([]);
    expect(names('q=MAIN 99')).toEqual(['a']);
  });
  it('stand on the time line when they can be looked into, oldest first', () => {
    expect(timeline(rows).map((s) => s.metadata.name)).toEqual(['b', 'a']);
    expect(timeline([set('x', 1, 'Captured', { revision: 0 })])).toEqual([]);
  });
  it('have short names and reasons to be kept', () => {
    expect(suffixOf('20261122-004500-ab12')).toBe('ab12');
    expect(suffixOf('taken-over')).toBe('taken-over');
    expect(keepOf('Hourly 2026-03-01 13h')).toEqual({ rule: 'Hourly', key: '2026-03-01 13h' });
    expect(keepOf('Pinned')).toEqual({ rule: 'Pinned', key: '' });
  });
});

describe('schedules', () => {
  it.each([
    ['0 2 * * *', { every: 'day', at: '02:00' }],
    ['5 */6 * * *', { every: 'hours', n: 6, minute: 5 }],
    ['0 * * * *', { every: 'hours', n: 1, minute: 0 }],
    ['30 3 * * 7', { every: 'week', at: '03:30', day: 0 }],
    ['0 4 1 * *', { every: 'month', at: '04:00', day: 1 }],
    ['0 4 1 1 *', undefined],
    ['*/5 * * * *', undefined],
    ['0 2 * *', undefined],
    ['0 2 1 * 1', undefined],
  ])('%s is known by its rhythm', (cron, rhythm) => expect(rhythmOf(cron)).toEqual(rhythm));
  it.each(['0 2 * * *', '*/15 0-6,22 1,15 jan-mar mon-fri', '0 0 * * 7', '5/10 * * * ?'])('%s can be one', (cron) => expect(isCron(cron)).toBe(true));
  it.each(['', '0 2 * *', '60 2 * * *', '0 24 * * *', '0 2 0 * *', '0 2 * 13 *', '*/0 * * * *', '0 2 * * * *', 'a b c d e', '1- * * * *'])('%j cannot', (cron) => expect(isCron(cron)).toBe(false));
});

describe('the form of a policy', () => {
  const good = { ...formOf(undefined, 'Asia/Tokyo'), path: '/b' };
  it('asks for a daily set that is proven, kept for a while', () => {
    expect(faultOf(good, true, [])).toBeUndefined();
    expect(requestOf(good, undefined)).toEqual({
      name: 'default',
      spec: {
        repository: { type: 'Filesystem', path: '/b', secretName: '' },
        schedule: { cron: '0 2 * * *', timeZone: 'Asia/Tokyo', missed: 'RunOnce' },
        retention: { last: 3, daily: 7, weekly: 4, monthly: 6 },
        proof: { everyBackup: true },
        maxProvenAgeHours: 48,
      },
    });
  });
  it('names the first thing that is wrong', () => {
    const fault = (part: Partial<typeof good>, fresh = true) => faultOf({ ...good, ...part }, fresh, ['taken']);
    expect(fault({ name: 'Main' })).toBe('name');
    expect(fault({ name: 'taken' })).toBe('taken');
    expect(fault({ path: 'relative' })).toBe('path');
    expect(fault({ type: 'S3', endpoint: 'https://s3', bucket: 'abc' })).toBe('endpoint');
    expect(fault({ type: 'S3', endpoint: 's3:9000', bucket: 'abc' })).toBe('accessKey');
    expect(fault({ type: 'S3', endpoint: 's3:9000', bucket: 'abc' }, false)).toBeUndefined();
    expect(fault({ type: 'S3', endpoint: 's3:9000', bucket: 'abc', accessKeyID: 'only' }, false)).toBe('accessKey');
    expect(fault({ type: 'SFTP', host: 'h', user: 'u', sftpPath: '/p', hostKey: 'nonsense' })).toBe('hostKey');
    expect(fault({ type: 'SFTP', host: 'h', user: 'u', sftpPath: '/p', hostKey: 'ssh-ed25519 AAAA' })).toBe('sshKey');
    expect(fault({ cron: '0 2 * *' })).toBe('cron');
    expect(fault({ timeZone: 'Mars/Base' })).toBe('timeZone');
    expect(fault({ quiet: '8-10' })).toBe('quiet');
    expect(fault({ retention: { ...good.retention, daily: 'x' } })).toBe('retention');
    expect(fault({ proofCron: 'never' })).toBe('proofCron');
    expect(fault({ maxAge: '0' })).toBe('maxAge');
    expect(fault({ sealTo: 'age1x' })).toBe('sealTo');
    expect(fault({ scheduled: false, cron: '' })).toBeUndefined();
  });
  it('keeps what it does not show, and sends only secrets that were typed', () => {
    const before: BackupPolicy = {
      metadata: { name: 'main', namespace: 'demo' },
      spec: {
        repository: { type: 'S3', s3: { endpoint: 's3', bucket: 'abc' }, secretName: 'own' },
        copies: [{ type: 'Filesystem', path: '/c', secretName: 'own' }],
        components: [{ name: 'etcd', type: 'Etcd' }],
        schedule: { cron: '0 2 * * *', quietHours: [{ from: '08:00', to: '10:00' }], jitterSeconds: 600, missed: 'Skip' },
        retention: {},
      },
    };
    const form = formOf(before, 'Asia/Tokyo');
    const asked = requestOf(form, before.spec);
    expect(asked).toEqual({ name: 'main', spec: { ...before.spec, proof: {}, maxProvenAgeHours: 48 } });
    expect(requestOf({ ...form, accessKeyID: 'a', secretAccessKey: 'b' }, before.spec)).toMatchObject({ accessKeyID: 'a', secretAccessKey: 'b' });
  });
  it('names a place as the server does', () => {
    expect(placeOf({ type: 'S3', s3: { endpoint: 's3:9000', bucket: 'b', prefix: 'p' } })).toBe('S3 s3:9000/b/p');
    expect(placeOf({ type: 'SFTP', sftp: { host: 'h', user: 'u', path: '/p', hostKey: '' } })).toBe('SFTP u@h:/p');
  });
});

describe('requests about backups', () => {
  it('say the same as a command', () => {
    const command = (r: Parameters<typeof asCommand>[1]) => asCommand('demo', r);
    expect(command({ type: 'Backup', backup: { policy: 'main', components: ['etcd'], pinned: true } })).toBe('kanrin backup create --policy main --component etcd --pin --cluster demo');
    expect(command({ type: 'Prove', prove: { backup: 's' } })).toBe('kanrin backup prove s --cluster demo');
    expect(command({ type: 'CheckBackups', checkBackups: { policy: 'main', readData: true } })).toBe('kanrin backup check --policy main --read-data --cluster demo');
    expect(command({ type: 'Prune', prune: { policy: 'main', backups: ['s'] } })).toBe('kanrin backup prune s --policy main --cluster demo');
    expect(command({ type: 'RestoreObjects', restoreObjects: { backup: 's', objects: [{ group: 'apps', resource: 'deployments', namespace: 'shop', name: 'web' }], dependents: true, toNamespace: 'copy' } })).toBe(
      'kanrin snapshot restore deployments.apps/shop/web --at s --dependents --to-namespace copy --cluster demo',
    );
    expect(command({ type: 'RestoreCluster', restoreCluster: { mode: 'AllMembers', backup: 's', unproven: true } })).toBe('kanrin restore cluster/demo --from s --unproven');
  });
  it('name the mode of a restore when it is not the usual one', () => {
    expect(asCommand('demo', { type: 'RestoreCluster', restoreCluster: { mode: 'Everything', backup: 's' } })).toBe('kanrin restore cluster/demo --from s --mode everything');
  });
  it('take ways round', () => {
    const spec = { type: 'RestoreObjects', restoreObjects: { backup: 's', objects: [] } } as const;
    expect(withWay({ ...spec, restoreObjects: { backup: 's', objects: [] } }, { code: 'recreate', flag: '', field: 'recreate' }).restoreObjects).toEqual({ backup: 's', objects: [], recreate: true });
    expect(again({ type: 'Prove', prove: { backup: 's' }, approvedPlan: 'aa' })).toEqual({ type: 'Prove', prove: { backup: 's' } });
  });
});

describe('the time machine', () => {
  it('compares from the earlier to the later', () => {
    const sets = [set('old', 9), set('new', 1)];
    expect(direction(sets, 'new', 'old')).toEqual({ from: 'old', to: 'new' });
    expect(direction(sets, 'old', 'new')).toEqual({ from: 'old', to: 'new' });
    expect(direction(sets, 'new', 'live')).toEqual({ from: 'new', to: 'live' });
  });
  it('keeps its address', () => {
    expect(withQuery('/x', new URLSearchParams('set=a&q=b'), { q: undefined, name: 'c' })).toBe('/x?set=a&name=c');
    expect(withQuery('/x', new URLSearchParams('q=b'), { q: '' })).toBe('/x');
  });
  it('tells the lines of a difference apart, also those that look like heads', () => {
    const lines = diffLines('--- a\n+++ b\n@@ -1,3 +1,3 @@\n same\n--- was a rule\n+++ is one\n \n');
    expect(lines.map((l) => l.kind)).toEqual(['file', 'file', 'hunk', 'same', 'del', 'add', 'same']);
    expect(countLines(lines)).toEqual({ added: 1, removed: 1 });
  });
  it('reads by number what comes by cursor, and does not begin anew each time', async () => {
    const all = Array.from({ length: 5_000 }, (_, i) => i);
    const asked: string[] = [];
    const fetch = byCursor<number>(async (limit, cursor) => {
      asked.push(`${cursor}+${limit}`);
      const start = Number(cursor || 0);
      return { items: all.slice(start, start + limit), total: all.length, ...(start + limit < all.length && { next: String(start + limit) }) };
    });
    const abort = new AbortController().signal;
    expect((await fetch(0, 100, abort)).items).toEqual(all.slice(0, 100));
    expect((await fetch(4_900, 100, abort)).items).toEqual(all.slice(4_900));
    expect(asked).toEqual(['+100', '100+2000', '2100+2000', '4100+800', '4900+100']);
    expect((await fetch(4_100, 100, abort)).items[0]).toBe(4_100);
    expect(asked.at(-1)).toBe('4100+100');
    expect(await fetch(9_000, 100, abort)).toMatchObject({ items: [], total: 5_000 });
  });
});

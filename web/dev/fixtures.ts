import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';
import { backups } from './backups.ts';
import { capacity, clusters, nodes, operations, overview, pods, workloads } from './world.ts';
import { log, members, operationObjects } from './plans.ts';

/** Answers like a Kanrin server, with the made-up data of world.ts; for `npm run dev` only. ?empty in the referring address: no data. */
export function fixtures(): Plugin {
  return {
    name: 'kanrin:fixtures',
    configureServer(server) {
      server.middlewares.use((req, res, next) => {
        const url = new URL(req.url ?? '/', 'http://x');
        if (!/^\/(kanrin\/v1|apis)\//.test(url.pathname)) return next();
        answer(req, res, url);
      });
    },
  };
}

let signedIn = true;

function answer(req: IncomingMessage, res: ServerResponse, url: URL): void {
  const json = (body: unknown, code = 200) => {
    res.writeHead(code, { 'content-type': 'application/json' });
    res.end(JSON.stringify(body));
  };
  const page = <T extends object>(rows: T[], fits: (row: T) => boolean = () => true) => {
    const q = url.searchParams;
    const words = (q.get('q') ?? '').toLowerCase();
    const found = rows.filter((r) => fits(r) && (words === '' || JSON.stringify(r).toLowerCase().includes(words)));
    const sort = q.get('sort')?.replace('-', '');
    if (sort) found.sort((a, b) => String(a[sort as keyof T]).localeCompare(String(b[sort as keyof T]), 'en', { numeric: true }) * (q.get('sort')?.startsWith('-') ? -1 : 1));
    const offset = Number(q.get('offset') ?? 0);
    json({ items: found.slice(offset, offset + Number(q.get('limit') ?? 100)), total: found.length, offset, revision: 1 });
  };
  const q = url.searchParams;
  const is = (pattern: RegExp) => pattern.exec(url.pathname);
  let m: RegExpExecArray | null;
  if (url.pathname.endsWith('/login')) return (signedIn = true), json(session);
  if (url.pathname.endsWith('/logout')) return (signedIn = false), json({});
  if (!signedIn) return json({ kind: 'Status', reason: 'Unauthorized', message: 'no session' }, 401);
  if (url.pathname.endsWith('/session')) return json(session);
  if (url.pathname.endsWith('/changes')) {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(': hello\n\n');
    const timer = setInterval(() => res.write('data: {"cluster":"demo","area":"pods","revision":1}\n\n'), 2000);
    res.on('close', () => clearInterval(timer));
    return;
  }
  if (req.headers.referer?.includes('empty')) return url.pathname.endsWith('/overview') ? json({ clusters: [] }) : json({ items: [], total: 0, offset: 0, revision: 0 });
  if (url.pathname.endsWith('/overview')) return json(overview);
  if (req.method === 'POST' && is(/\/backuppolicies$/)) return json({ policy: { metadata: { name: 'main' }, spec: { repository: { type: 'Filesystem', path: '/var/backups/kanrin' } } }, created: true, found: 0 });
  const ofBackups = backups(url.pathname, q, req.headers.referer ?? '');
  if (ofBackups !== undefined) return json(ofBackups);
  if ((m = is(/^\/kanrin\/v1\/clusters\/([^/]+)$/))) return json(clusters.find((c) => c.name === m?.[1]) ?? {});
  if (is(/\/nodes$/)) return page(nodes, (n) => (!q.get('zone') || n.zone === q.get('zone')) && (!q.get('state') || n.state === q.get('state')));
  if ((m = is(/\/nodes\/([^/]+)$/))) return json(nodes.find((n) => n.name === m?.[1]));
  if (is(/\/workloads$/)) return page(workloads, (w) => (!q.get('kind') || w.kind === q.get('kind')) && (!q.get('namespace') || w.namespace === q.get('namespace')));
  if ((m = is(/\/workloads\/[^/]+\/[^/]+\/([^/]+)$/))) return json(workloads.find((w) => w.name === m?.[1]));
  if (is(/\/pods$/)) return page(pods, (p) => (!q.get('node') || p.node === q.get('node')) && (!q.get('owner') || p.owner === q.get('owner')) && (!q.get('state') || p.state === q.get('state')) && (!q.get('namespace') || p.namespace === q.get('namespace')));
  if ((m = is(/\/pods\/[^/]+\/([^/]+)$/))) return json(pods.find((p) => p.name === m?.[1]));
  if (is(/\/events$/)) return json({ items: [{ time: new Date(Date.now() - 60000).toISOString(), type: 'Normal', reason: 'NodeReady', object: 'w1', message: 'Node w1 status is now: NodeReady', source: 'kubelet' }, { time: new Date(Date.now() - 90000).toISOString(), type: 'Warning', reason: 'FailedScheduling', object: 'x', message: '0/12 nodes are available: 9 Insufficient memory.', count: 4 }], total: 2, offset: 0, revision: 1 });
  if (is(/\/objects$/)) return res.writeHead(200, { 'content-type': 'text/yaml' }), void res.end('apiVersion: v1\nkind: Node\nmetadata:\n  name: w1\n  labels:\n    topology.kubernetes.io/zone: a\nspec:\n  podCIDR: 10.244.1.0/24\n');
  if (is(/\/capacity$/)) return json(capacity);
  if (is(/\/access$/)) return json(q.has('viewer') ? {} : { operations: { create: true, approve: true, patch: true }, clusters: { create: true } });
  if (is(/^\/kanrin\/v1\/operations$/)) return page(operations, (o) => !q.get('phase') || o.phase === q.get('phase'));
  if (is(/\/log$/)) return json({ lines: Number(q.get('after')) > 0 ? [] : log, next: 1, done: false });
  if (is(/\/members$/)) return page(members, (x) => !q.get('step') || x.step === q.get('step'));
  if ((m = is(/^\/apis\/.*\/operations\/([^/]+)$/))) {
    const found = operationObjects.find((o) => o.metadata.name === m?.[1]);
    return found ? json(found) : json({ kind: 'Status', reason: 'NotFound', message: `operations.kanrin.dev "${m[1]}" not found` }, 404);
  }
  if (is(/\/users$/)) return json({ items: [{ name: 'admin', roles: { '*': 'Administrator' }, created: new Date(Date.now() - 9e8).toISOString() }, { name: 'oncall', roles: { demo: 'Operator', prod: 'Viewer' }, created: new Date(Date.now() - 9e7).toISOString() }, { name: 'intern', roles: {}, disabled: true }], total: 3, offset: 0, revision: 1 });
  json({ kind: 'Status', reason: 'NotFound', message: `${req.method} ${url.pathname} is not made up yet` }, 404);
}

const session = { user: 'admin', expires: new Date(Date.now() + 4e7).toISOString(), csrf: 'x', version: '0.1.0', role: 'Administrator' };

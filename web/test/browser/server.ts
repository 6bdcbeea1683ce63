import { readFileSync } from 'node:fs';
import type { BrowserContext } from 'playwright-core';
import type { Role } from '../../src/api/inventory';
import type { Operation, OperationSpec } from '../../src/api/v1alpha1';

export const url = required('KANRIN_URL').replace(/\/$/, '');
export const admin = { name: 'admin', password: readFileSync(required('KANRIN_PASSWORD_FILE'), 'utf8').trim() };

/** The users that test/browser/setup.ts makes, one for each role. */
export const users: Record<Exclude<Role, 'Administrator'>, { name: string; password: string }> = {
  Viewer: { name: 'browser-viewer', password: 'a-viewer-reads-only' },
  Editor: { name: 'browser-editor', password: 'an-editor-plans-only' },
  Operator: { name: 'browser-operator', password: 'an-operator-approves' },
};

export const cluster = 'demo';

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the browser tests need a running server, see hack/with-demo.sh`);
  return value;
}

/** Calls the API as the person who is signed in to a browser context. */
export class Api {
  private csrf = '';

  constructor(private readonly context: BrowserContext) {}

  async session(): Promise<void> {
    const answer = await this.context.request.get(`${url}/kanrin/v1/session`);
    this.csrf = ((await answer.json()) as { csrf: string }).csrf;
  }

  async send<T>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<{ code: number; body: T }> {
    const answer = await this.context.request.fetch(url + path, {
      method,
      headers: { 'X-Kanrin-Csrf': this.csrf, Origin: url, ...(body !== undefined && { 'Content-Type': contentType }) },
      data: body === undefined ? undefined : JSON.stringify(body),
      failOnStatusCode: false,
    });
    const text = await answer.text();
    return { code: answer.status(), body: (text.startsWith('{') ? JSON.parse(text) : text) as T };
  }

  async operation(name: string): Promise<Operation> {
    return (await this.send<Operation>('GET', `${operations}/${name}`)).body;
  }

  async plan(spec: Pick<OperationSpec, 'type' | 'drain' | 'cordon' | 'uncordon'>, by = admin.name): Promise<string> {
    const answer = await this.send<Operation>('POST', operations, {
      apiVersion: 'kanrin.dev/v1alpha1',
      kind: 'Operation',
      metadata: { generateName: `${spec.type.toLowerCase()}-`, namespace: cluster },
      spec: { ...spec, requestedBy: by },
    });
    if (answer.code !== 201) throw new Error(`planning: ${answer.code} ${JSON.stringify(answer.body)}`);
    return answer.body.metadata.name;
  }

  async change(name: string, spec: Partial<OperationSpec>): Promise<void> {
    const answer = await this.send('PATCH', `${operations}/${name}`, { spec }, 'application/merge-patch+json');
    if (answer.code !== 200) throw new Error(`changing ${name}: ${answer.code} ${JSON.stringify(answer.body)}`);
  }

  /** Waits until no pod is on its way: what moves makes a plan stale. */
  async quiet(): Promise<void> {
    await until('no pod starts or stops', async () => {
      const pods = await this.send<{ items: { state: string; ready: number; total: number }[] }>('GET', '/kanrin/v1/clusters/demo/pods?limit=1000');
      return pods.body.items.every((p) => p.state === 'Completed' || p.state === 'Pending' || (p.state === 'Running' && p.ready === p.total)) ? true : undefined;
    });
  }

  async nodesOf(owner: string): Promise<string[]> {
    return (await this.send<{ items: { node: string }[] }>('GET', `/kanrin/v1/clusters/demo/pods?owner=${owner}`)).body.items.map((p) => p.node);
  }

  /**
   * Plans drains until one can run: pods move about with every test, and with them what blocks a node. Nodes with a pod of
   * payments/ledger come first: it takes seconds to stop and to start, so that there is time to look.
   */
  async planDrainThatCanRun(except: readonly string[] = []): Promise<{ name: string; node: string }> {
    await this.quiet();
    const ledger = await this.nodesOf('StatefulSet/payments/ledger');
    const workers = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7', 'w8', 'w9'].filter((n) => !except.includes(n));
    for (const node of [...workers.filter((n) => ledger.includes(n)), ...workers.filter((n) => !ledger.includes(n))]) {
      const name = await this.plan({ type: 'Drain', drain: { nodes: [node], wait: true } });
      const op = await this.reach(name, 'Planned', 'Failed');
      const blocked = op.status?.plan?.findings?.some((f) => f.severity === 'blocker') ?? true;
      if (!blocked && (op.status?.plan?.forecast.counts?.evict ?? 0) >= 1) return { name, node };
      await this.change(name, { cancelled: true });
    }
    throw new Error('no worker of the demo can be drained now');
  }

  /** Waits until the operation is in one of the phases. */
  async reach(name: string, ...phases: string[]): Promise<Operation> {
    return until(`${name} is ${phases.join(' or ')}`, async () => {
      const op = await this.operation(name);
      return phases.includes(op.status?.phase ?? 'Pending') ? op : undefined;
    });
  }
}

export const operations = `/apis/kanrin.dev/v1alpha1/namespaces/${cluster}/operations`;

/** Asks again until there is an answer; fails with what was waited for. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, limit = 150_000): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${limit / 1000} s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

import { readFileSync } from 'node:fs';
import type { BrowserContext } from 'playwright-core';
import type { Pod, Role, Workload } from '../../src/api/inventory';
import type { Request } from '../../src/api/operations';
import type { DrainSpec, Operation, OperationSpec } from '../../src/api/v1alpha1';

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

  async plan(spec: Request, by = admin.name): Promise<string> {
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

  /**
   * Waits until nothing is on its way, because what moves makes a plan stale and its approval is refused then: no pod starts or stops,
   * and the disruption controller has counted all of them (it does so some moments after they are ready).
   */
  async quiet(): Promise<void> {
    let moving: string[] = [];
    await until(
      () => `no pod starts or stops, and every budget has counted its pods (now: ${moving.join(', ')})`,
      async () => {
        const pods = await this.send<{ items: Pod[] }>('GET', '/kanrin/v1/clusters/demo/pods?limit=1000');
        const workloads = await this.send<{ items: Workload[] }>('GET', '/kanrin/v1/clusters/demo/workloads?limit=1000');
        const atRest = (p: Pod) => p.state === 'Completed' || p.state === 'Pending' || (p.state === 'Running' && p.ready === p.total);
        moving = pods.body.items.filter((p) => !atRest(p)).map((p) => `${p.namespace}/${p.name} ${p.state}`);
        const budgets = new Map<string, { healthy: number; ready: number }>();
        for (const w of workloads.body.items) {
          // Of several budgets of one pod the disruption controller brings only one up to date when the pod changes.
          if (w.budgets?.length !== 1) continue;
          for (const b of w.budgets) budgets.set(b.name, { healthy: b.healthy, ready: (budgets.get(b.name)?.ready ?? 0) + w.ready });
        }
        for (const [name, b] of budgets) if (b.healthy !== b.ready) moving.push(`${name} counts ${b.healthy} of ${b.ready}`);
        return moving.length === 0 ? true : undefined;
      },
    );
  }

  async nodesOf(owner: string): Promise<string[]> {
    return (await this.send<{ items: { node: string }[] }>('GET', `/kanrin/v1/clusters/demo/pods?owner=${owner}`)).body.items.map((p) => p.node);
  }

  /**
   * Plans a drain that can be approved and never ends by itself: it waits for the budget of shop/web, which asks for all replicas.
   * What happens to be quick or slow decides nothing then. Pods move about with every test, and with them what else blocks a node.
   */
  async planDrainThatWaits(): Promise<{ name: string; node: string }> {
    await this.quiet();
    const tried: string[] = [];
    for (const node of await this.nodesOf('Deployment/shop/web')) {
      // Pods for which waiting is no way round are deleted.
      let spec: DrainSpec = { nodes: [node], wait: true };
      for (let again = 0; again < 3; again++) {
        const name = await this.plan({ type: 'Drain', drain: spec });
        const op = await this.reach(name, 'Planned');
        const blockers = op.status?.plan?.findings?.filter((f) => f.severity === 'blocker') ?? [];
        if (blockers.length === 0) return { name, node };
        await this.change(name, { cancelled: true });
        tried.push(`${node}: ${blockers.map((f) => f.message).join(' · ')}`);
        const pods = blockers.flatMap((f) => f.ways?.filter((w) => w.field === 'delete').map((w) => w.value ?? '') ?? []);
        if (pods.length === 0) break;
        spec = { ...spec, delete: [...new Set([...(spec.delete ?? []), ...pods])] };
      }
    }
    throw new Error(`no node with a pod of shop/web can be drained:\n${tried.join('\n')}`);
  }

  /** Plans the drain of any other worker that can be approved. */
  async planAnotherDrain(except: string): Promise<string> {
    const tried: string[] = [];
    for (const node of ['w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7', 'w8', 'w9'].filter((n) => n !== except)) {
      const name = await this.plan({ type: 'Drain', drain: { nodes: [node], wait: true } });
      const op = await this.reach(name, 'Planned');
      const blockers = op.status?.plan?.findings?.filter((f) => f.severity === 'blocker') ?? [];
      if (blockers.length === 0) return name;
      await this.change(name, { cancelled: true });
      tried.push(`${node}: ${blockers.map((f) => f.message).join(' · ')}`);
    }
    throw new Error(`no other worker of the demo can be drained now:\n${tried.join('\n')}`);
  }

  /** Approves the present plan. */
  async approve(name: string): Promise<void> {
    const op = await this.operation(name);
    await this.change(name, { approvedPlan: op.status?.plan?.digest ?? 'no plan', approvedBy: admin.name });
  }

  /** Waits until the operation is in one of the phases. One that has come to rest in another, or whose approval was refused, fails at once. */
  async reach(name: string, ...phases: string[]): Promise<Operation> {
    return until(`${name} is ${phases.join(' or ')}`, async () => {
      const op = await this.operation(name);
      const phase = op.status?.phase ?? 'Pending';
      if (phases.includes(phase)) return op;
      const over = phase === 'Succeeded' || phase === 'Failed' || phase === 'Cancelled';
      const refused = phase === 'Planned' && ['StalePlan', 'Locked'].includes(op.status?.reason ?? '') && !op.spec.approvedPlan && !op.spec.cancelled;
      if (over || refused) throw new Error(`${name} is ${phase} (${op.status?.reason}: ${op.status?.message}), not ${phases.join(' or ')}`);
      return undefined;
    });
  }

  /** Waits until the running operation says that it waits for something. */
  async reachWaiting(name: string): Promise<Operation> {
    return until(`${name} waits`, async () => {
      const op = await this.operation(name);
      return op.status?.phase === 'Running' && op.status.waiting ? op : undefined;
    });
  }
}

export const hosts = `/kanrin/v1/clusters/${cluster}/hosts`;
export const operations = `/apis/kanrin.dev/v1alpha1/namespaces/${cluster}/operations`;

/** Asks again until there is an answer; fails with what was waited for. */
export async function until<T>(what: string | (() => string), ask: () => Promise<T | undefined>, limit = 150_000): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${limit / 1000} s for: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

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

// The server that pictures are taken of, spoken to as the administrator: operations are made here so that their pages show something.
import { readFileSync } from 'node:fs';

const required = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: pictures need a running server, see hack/with-demo.sh`);
  return value;
};

export const url = required('KANRIN_URL').replace(/\/$/, '');
const password = readFileSync(required('KANRIN_PASSWORD_FILE'), 'utf8').trim();

const operations = `${url}/apis/kanrin.dev/v1alpha1/namespaces/demo/operations`;

export class Server {
  /** @param {import('playwright-core').BrowserContext} context */
  constructor(context) {
    this.context = context;
  }

  async signIn() {
    const answer = await this.context.request.post(`${url}/kanrin/v1/login`, { data: { username: 'admin', password }, headers: { Origin: url } });
    if (!answer.ok()) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
    this.headers = { Origin: url, 'X-Kanrin-Csrf': (await answer.json()).csrf };
  }

  async get(path) {
    const answer = await this.context.request.get(`${url}${path}`);
    if (!answer.ok()) throw new Error(`reading ${path}: ${answer.status()} ${await answer.text()}`);
    return answer.json();
  }

  /** Waits until the demo has all its pods and none of them is on its way. */
  async quiet() {
    await until('the demo cluster to be quiet', async () => {
      const answer = await this.context.request.get(`${url}/kanrin/v1/clusters/demo/pods?limit=1000`);
      if (!answer.ok()) return undefined;
      const { items, total } = await answer.json();
      return total >= 50 && items.every((p) => ['Completed', 'Pending'].includes(p.state) || (p.state === 'Running' && p.ready === p.total)) ? true : undefined;
    });
  }

  async nodesOf(owner) {
    return (await this.get(`/kanrin/v1/clusters/demo/pods?owner=${owner}`)).items.map((p) => p.node);
  }

  async addHost(host) {
    const answer = await this.context.request.post(`${url}/kanrin/v1/clusters/demo/hosts`, { headers: this.headers, data: host });
    if (answer.status() !== 201) throw new Error(`adding ${host.name}: ${answer.status()} ${await answer.text()}`);
  }

  /** Waits until every host has been looked at. */
  async settledHosts() {
    await until('every host to have been looked at', async () => {
      const { items } = await this.get('/kanrin/v1/clusters/demo/hosts');
      return items.every((h) => h.state !== 'Unknown') ? true : undefined;
    });
  }

  async plan(spec) {
    const answer = await this.context.request.post(operations, {
      headers: this.headers,
      data: {
        apiVersion: 'kanrin.dev/v1alpha1',
        kind: 'Operation',
        metadata: { generateName: `${spec.type.toLowerCase()}-`, namespace: 'demo' },
        spec: { requestedBy: 'admin', ...spec },
      },
    });
    if (answer.status() !== 201) throw new Error(`planning: ${answer.status()} ${await answer.text()}`);
    return this.reach((await answer.json()).metadata.name, 'Planned', 'Failed');
  }

  async change(name, spec) {
    const answer = await this.context.request.fetch(`${operations}/${name}`, {
      method: 'PATCH',
      headers: { ...this.headers, 'Content-Type': 'application/merge-patch+json' },
      data: JSON.stringify({ spec }),
    });
    if (!answer.ok()) throw new Error(`changing ${name}: ${answer.status()} ${await answer.text()}`);
  }

  async reach(name, ...phases) {
    return until(`${name} to be ${phases.join(' or ')}`, async () => {
      const op = await this.get(`/apis/kanrin.dev/v1alpha1/namespaces/demo/operations/${name}`);
      return phases.includes(op.status?.phase) ? op : undefined;
    });
  }

  /** Waits until a running operation waits for a budget. */
  async waits(name) {
    await until(`${name} to wait for a budget`, async () => {
      const { status } = await this.get(`/apis/kanrin.dev/v1alpha1/namespaces/demo/operations/${name}`);
      if (['Succeeded', 'Failed', 'Paused'].includes(status.phase)) throw new Error(`${name} is ${status.phase}: ${status.message}`);
      return status.waiting?.code === 'Budget' ? true : undefined;
    });
  }

  /** Approves the present plan; a plan that became stale is approved anew, as a person would after reading it. */
  async run(name) {
    await until(`${name} to start`, async () => {
      const op = await this.get(`/apis/kanrin.dev/v1alpha1/namespaces/demo/operations/${name}`);
      if (op.status.phase !== 'Planned') return true;
      if (!op.spec.approvedPlan) await this.change(name, { approvedPlan: op.status.plan.digest, approvedBy: 'admin' });
      return undefined;
    });
  }
}

async function until(what, ask) {
  const end = Date.now() + 180_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited three minutes for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

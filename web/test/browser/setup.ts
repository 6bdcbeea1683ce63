import { admin, type Api, hosts, until, url, users } from './server';
import { hostKey, privateKey } from './keys';
import { launch, open, signIn } from './browser';

/** Makes one user for each role and waits until the demo cluster is up: the console is there before it. */
export default async function setup(): Promise<void> {
  const browser = await launch();
  const w = await open(browser);
  await until(`${url} lets ${admin.name} in`, async () => {
    try {
      await signIn(w);
      return true;
    } catch (failure) {
      if (/ERR_CONNECTION/.test(String(failure))) return undefined;
      throw failure;
    }
  });
  for (const [role, who] of Object.entries(users)) {
    const answer = await w.api.send('POST', '/kanrin/v1/users', { name: who.name, password: who.password, roles: { '*': role } });
    if (answer.code !== 201 && answer.code !== 409) throw new Error(`making ${who.name}: ${answer.code} ${JSON.stringify(answer.body)}`);
  }
  await until(
    'the demo cluster is up with all its pods',
    async () => {
      const pods = await w.api.send<{ items: { state: string; class: string }[]; total: number }>('GET', '/kanrin/v1/clusters/demo/pods?limit=1000');
      if (pods.code !== 200 || pods.body.total < 50) return undefined;
      const starting = pods.body.items.filter((p) => /ContainerCreating|PodInitializing/.test(p.state));
      return starting.length === 0 ? true : undefined;
    },
    240_000,
  );
  await makeHosts(w.api);
  await uncordonAll(w.api);
  await w.api.quiet();
  await w.context.close();
  await browser.close();
}

/** What an earlier run left behind is put back. */
async function uncordonAll(api: Api): Promise<void> {
  const cordoned = await api.send<{ items: { name: string }[] }>('GET', '/kanrin/v1/clusters/demo/nodes?state=Cordoned');
  if (cordoned.body.items.length === 0) return;
  const name = await api.plan({ type: 'Uncordon', uncordon: { nodes: cordoned.body.items.map((n) => n.name) } });
  const op = await api.reach(name, 'Planned');
  await api.change(name, { approvedPlan: op.status?.plan?.digest, approvedBy: admin.name });
  await api.reach(name, 'Succeeded');
}

/** Machines that are not there: one that refuses the connection, and one whose key nobody has pinned. */
async function makeHosts(api: Api): Promise<void> {
  for (const host of [
    { name: 'rack-1', spec: { address: '127.0.0.1', port: 9, user: 'ops', hostKey: hostKey(), nodeName: 'w4', roles: ['worker'], tier: 1, group: 'compute' }, privateKey: privateKey() },
    { name: 'rack-2', spec: { address: 'rack-2.example.invalid', roles: ['control-plane'], power: { command: 'pdu' } } },
  ]) {
    const answer = await api.send('POST', hosts, host);
    if (answer.code !== 201 && answer.code !== 409) throw new Error(`making ${host.name}: ${answer.code} ${JSON.stringify(answer.body)}`);
  }
}

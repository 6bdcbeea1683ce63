import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterRow, Page, User } from '../../src/api/inventory';
import { launch, open, signIn, visit, type Watched } from './browser';
import { url } from './server';

let browser: Browser;
let w: Watched;
beforeAll(async () => {
  browser = await launch();
  w = await open(browser);
  await signIn(w);
});
afterAll(async () => {
  await w.close();
  await browser.close();
});

const dialog = () => w.page.getByRole('dialog');
const person = { name: `trial-${Date.now().toString(36)}`, password: 'a long first password' };
const known = async () => (await w.api.send<Page<User>>('GET', '/kanrin/v1/users')).body.items?.find((u) => u.name === person.name);

describe('users', () => {
  it('are added with a role', async () => {
    await visit(w, '/users');
    await w.page.getByRole('button', { name: 'Add user…' }).click();
    await dialog().getByLabel('Name').fill(person.name);
    await dialog().getByLabel('First password').fill(person.password);
    await dialog().getByLabel('every cluster').selectOption('Viewer');
    await dialog().getByRole('button', { name: 'Add user…' }).click();
    await w.page.getByText(person.name).waitFor();
    expect((await known())?.roles).toEqual({ '*': 'Viewer' });
  });

  it('are refused a name that is taken, in place', async () => {
    w.expected.push(/409.*\/users/);
    await w.page.getByRole('button', { name: 'Add user…' }).click();
    await dialog().getByLabel('Name').fill(person.name);
    await dialog().getByLabel('First password').fill(person.password);
    await dialog().getByRole('button', { name: 'Add user…' }).click();
    await dialog().getByRole('alert').filter({ hasText: 'exists already' }).waitFor();
    await w.page.keyboard.press('Escape');
  });

  it('get another role', async () => {
    await w.page.getByRole('button', { name: `Edit ${person.name}` }).click();
    await dialog().getByLabel('demo').selectOption('Operator');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await expect.poll(async () => (await known())?.roles).toEqual({ '*': 'Viewer', demo: 'Operator' });
    await w.page.getByRole('row').filter({ hasText: person.name }).getByText('Operator · demo').waitFor();
  });

  it('are disabled and cannot sign in then', async () => {
    await w.page.getByRole('button', { name: `Disable ${person.name}` }).click();
    await w.page.getByRole('button', { name: `Enable ${person.name}` }).waitFor();
    const answer = await w.context.request.post(`${url}/kanrin/v1/login`, { data: { username: person.name, password: person.password }, headers: { Origin: url } });
    expect(answer.status()).toBe(401);
  });

  it('are deleted when their name is typed', async () => {
    await w.page.getByRole('button', { name: `Delete ${person.name}` }).click();
    const remove = dialog().getByRole('button', { name: 'Delete…' });
    expect(await remove.getAttribute('aria-disabled')).toBe('true');
    await dialog().getByRole('textbox').fill(person.name);
    await remove.click();
    await expect.poll(known).toBeUndefined();
  });

  it('do not lock themselves out', async () => {
    expect(await w.page.getByRole('button', { name: 'Disable admin' }).getAttribute('aria-disabled')).toBe('true');
  });
});

describe('a cluster that cannot be used', () => {
  const names = async () => (await w.api.send<Page<ClusterRow>>('GET', '/kanrin/v1/clusters')).body.items?.map((c) => c.name);
  const kubeconfig = (server: string) => `apiVersion: v1
kind: Config
current-context: it
clusters: [{name: it, cluster: {server: "${server}"}}]
users: [{name: it, user: {token: none}}]
contexts: [{name: it, context: {cluster: it, user: it}}]
`;
  const add = async (text: string) => {
    await visit(w, '/clusters');
    await w.page.getByRole('button', { name: 'Add cluster…' }).click();
    await dialog().getByLabel('Cluster', { exact: true }).fill('elsewhere');
    await dialog().getByLabel('kubeconfig').fill(text);
    await dialog().getByRole('button', { name: 'Check and add' }).click();
    await dialog().getByRole('alert').waitFor();
    return (await dialog().getByRole('alert').textContent()) ?? '';
  };

  it('is refused with its reason, and nothing of it stays', async () => {
    w.expected.push(/4(00|22).*\/kanrin\/v1\/clusters\)/, /50[0-9].*\/kanrin\/v1\/clusters\)/);
    expect(await add('not a kubeconfig at all: [')).toContain('The kubeconfig cannot be used');
    const unreached = await add(kubeconfig('https://127.0.0.1:1'));
    expect(unreached).toContain('cannot be reached');
    expect(unreached).toContain('refuses the connection');
    expect(await names()).toEqual(['demo']);
  });
});

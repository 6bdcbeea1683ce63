import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';

const folder = join(process.env.KANRIN_DATA_DIR ?? '', 'demo');
export const haveDemoFiles = process.env.KANRIN_DATA_DIR !== undefined;

/** Calls the API server of the demo cluster itself, as somebody who is no part of Kanrin. */
export function demo(method: string, path: string, body?: unknown): Promise<{ code: number; body: unknown }> {
  const server = /server: (\S+)/.exec(readFileSync(join(folder, 'kubeconfig'), 'utf8'))?.[1] ?? '';
  return new Promise((resolve, reject) => {
    const asked = request(
      server + path,
      {
        method,
        cert: readFileSync(join(folder, 'pki/admin.crt')),
        key: readFileSync(join(folder, 'pki/admin.key')),
        ca: readFileSync(join(folder, 'pki/ca.crt')),
        headers: body === undefined ? {} : { 'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece: string) => (text += piece));
        answer.on('end', () => resolve({ code: answer.statusCode ?? 0, body: text.startsWith('{') ? JSON.parse(text) : text }));
      },
    );
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

// Machines for pictures: an SSH server of this machine stands in for all that answer.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const port = 22022;

/**
 * Registers hosts in several states.
 *
 * @param {import('./server.mjs').Server} server
 */
export async function makeHosts(server) {
  const dir = mkdtempSync(join(tmpdir(), 'kanrin-pictures-'));
  const key = (name) => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, name)]);
    return readFileSync(join(dir, `${name}.pub`), 'utf8').split(' ').slice(0, 2).join(' ');
  };
  const [hostKey, otherKey] = [key('host'), key('other')];
  key('user');
  writeFileSync(
    join(dir, 'config'),
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${dir}/host\nAuthorizedKeysFile ${dir}/user.pub\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\n`,
  );
  mkdirSync('/run/sshd', { recursive: true });
  const sshd = existsSync('/usr/sbin/sshd') ? spawn('/usr/sbin/sshd', ['-D', '-f', join(dir, 'config')], { stdio: 'ignore' }) : undefined;
  sshd?.unref(); // it is ended with this program, and keeps it from no end
  const end = () => {
    sshd?.kill();
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('exit', end);
  const privateKey = readFileSync(join(dir, 'user'), 'utf8');
  const add = (name, role, more = {}) =>
    server.addHost({ name, privateKey, spec: { address: '127.0.0.1', port, hostKey, roles: [role], ...(/^(cp|w)/.test(name) && { nodeName: name }), ...more } });
  for (const n of [1, 2, 3]) await add(`cp-${n}`, 'control-plane', { power: { command: 'pdu' } });
  for (const n of [1, 2, 3, 4, 5]) await add(`w${n}`, 'worker', { tier: n > 2 ? 1 : 0, group: 'compute' });
  await add('w6', 'worker', { port: 9, tier: 1 });
  await add('w7', 'worker', { hostKey: otherKey, tier: 1 });
  await add('spare-1', 'worker');
  await server.settledHosts();
}

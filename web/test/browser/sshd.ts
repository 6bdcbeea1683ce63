import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { until } from './server';

/** A real SSH server of this machine, for what only a machine that answers shows; it needs root, as sshd does. */
export const haveSshd = existsSync('/usr/sbin/sshd') && process.getuid?.() === 0;

export interface Sshd {
  port: number;
  /** What may sign in as root. */
  privateKey: string;
  /** What ssh-keygen says of its host key. */
  fingerprint: () => string;
  /** The same server with another host key, as after a reinstallation. */
  reinstall: () => Promise<void>;
  stop: () => void;
}

export async function startSshd(): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), 'kanrin-sshd-'));
  mkdirSync('/run/sshd', { recursive: true });
  const key = (name: string) => {
    rmSync(join(dir, name), { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, name)]);
    return join(dir, name);
  };
  const user = key('user');
  const port = await freePort();
  writeFileSync(
    join(dir, 'config'),
    [`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${join(dir, 'host')}`, `AuthorizedKeysFile ${user}.pub`, 'PasswordAuthentication no', 'UsePAM no', 'StrictModes no', 'PidFile none', ''].join('\n'),
  );
  let running: ChildProcess | undefined;
  const start = async () => {
    rmSync(join(dir, 'host.pub'), { force: true });
    key('host');
    running = spawn('/usr/sbin/sshd', ['-D', '-f', join(dir, 'config')], { stdio: 'ignore' });
    await until('sshd listens', () => listens(port));
  };
  // Connections are served by children that outlive their parent; a machine that is reinstalled takes them along.
  const kill = () => {
    const pid = running?.pid;
    if (pid === undefined || running?.exitCode !== null) return;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    running.kill();
    for (const child of children) {
      try {
        process.kill(child);
      } catch {
        // it has ended by itself
      }
    }
  };
  const end = async () => {
    kill();
    await until('sshd has ended', async () => ((await listens(port)) ? undefined : true));
  };
  await start();
  return {
    port,
    privateKey: readFileSync(user, 'utf8'),
    fingerprint: () => execFileSync('ssh-keygen', ['-lf', join(dir, 'host.pub')], { encoding: 'utf8' }).split(' ')[1] ?? '',
    reinstall: async () => {
      await end();
      await start();
    },
    stop: () => {
      kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const at = server.address();
      server.close(() => (at && typeof at === 'object' ? resolve(at.port) : reject(new Error('no port'))));
    });
  });
}

function listens(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(undefined));
  });
}

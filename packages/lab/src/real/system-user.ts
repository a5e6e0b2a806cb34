import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Credentials } from '../proxies/credentials.js';

/** The one user of the real servers. Dante's users are the system's, hence a name nobody has. */
export const LAB_USER: Credentials = { user: 'fairlead-lab', password: 'loopback-only' };

/** Makes a system user without a home or a shell, if there is none, and sets its password. Needs root. */
export async function ensureSystemUser({ user, password }: Credentials): Promise<void> {
  if (!exists(user)) {
    const made = spawnSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', user]);
    // Another test process may have been first.
    if (made.status !== 0 && !exists(user)) throw new Error(`useradd ${user}: ${made.stderr.toString()}`);
  }
  const setting = spawn('chpasswd', { stdio: ['pipe', 'ignore', 'ignore'] });
  setting.stdin.end(`${user}:${password}\n`);
  const [status] = (await once(setting, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`chpasswd ${user} ended with ${status}`);
}

function exists(user: string): boolean {
  return spawnSync('id', ['-u', user]).status === 0;
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RealServerPlan } from './real-server-plan.js';
import { ensureSystemUser } from './system-user.js';

export const dante: RealServerPlan = {
  debianPackage: 'dante-server',
  scheme: 'socks5h',
  files: ['/usr/sbin/danted'],
  usersAreSystemUsers: true,
  async prepare({ host, port, directory, exit }, credentials) {
    if (credentials) await ensureSystemUser(credentials);
    const configuration = join(directory, 'danted.conf');
    const method = credentials ? 'username' : 'none';
    const everywhere = 'from: 0.0.0.0/0 to: 0.0.0.0/0';
    const isRoot = process.getuid?.() === 0;
    const lines = [
      'logoutput: stderr',
      'errorlog: stderr',
      `internal: ${host} port = ${port}`,
      // It binds what it sends to this address, so that loopback is all it can reach.
      `external: ${exit ?? host}`,
      'clientmethod: none',
      `socksmethod: ${method}`,
      // It reads the password file as root and does the rest as nobody.
      ...(isRoot ? ['user.privileged: root', 'user.unprivileged: nobody'] : []),
      `client pass { ${everywhere} }`,
      `socks pass { ${everywhere} socksmethod: ${method} }`,
    ];
    await writeFile(configuration, `${lines.join('\n')}\n`);
    return ['-f', configuration, '-p', join(directory, 'danted.pid')];
  },
};

export const microsocks: RealServerPlan = {
  debianPackage: 'microsocks',
  scheme: 'socks5h',
  files: ['/usr/bin/microsocks'],
  prepare({ host, port, exit }, credentials) {
    const lock = credentials ? ['-u', credentials.user, '-P', credentials.password] : [];
    return ['-i', host, '-p', String(port), ...(exit === undefined ? [] : ['-b', exit]), ...lock];
  },
};

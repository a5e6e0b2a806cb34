import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RealServerPlan } from './real-server-plan.js';

const NCSA_AUTH = '/usr/lib/squid/basic_ncsa_auth';

export const squid: RealServerPlan = {
  debianPackage: 'squid',
  scheme: 'http',
  files: ['/usr/sbin/squid', NCSA_AUTH],
  async prepare({ host, port, directory, exit }, credentials) {
    const users = join(directory, 'users');
    const configuration = join(directory, 'squid.conf');
    if (credentials) {
      // basic_ncsa_auth takes a bare MD5 too; crypt() would cut the password at eight characters.
      const hash = createHash('md5').update(credentials.password).digest('hex');
      await writeFile(users, `${credentials.user}:${hash}\n`);
    }
    const lock = [
      `auth_param basic program ${NCSA_AUTH} ${users}`,
      'auth_param basic children 2 startup=1',
      'auth_param basic realm lab',
      'acl known proxy_auth REQUIRED',
      'http_access allow known',
    ];
    const lines = [
      `http_port ${host}:${port}`,
      'visible_hostname lab',
      ...(exit === undefined ? [] : [`tcp_outgoing_address ${exit}`]),
      // None of the stock rules: targets are on loopback and on any port.
      ...(credentials ? [...lock, 'http_access deny all'] : ['http_access allow all']),
      'cache deny all',
      'cache_mem 8 MB',
      'access_log none',
      `cache_log ${join(directory, 'cache.log')}`,
      `pid_filename ${join(directory, 'squid.pid')}`,
      `coredump_dir ${directory}`,
      'pinger_enable off',
      // The default is to wait half a minute for its clients.
      'shutdown_lifetime 1 seconds',
    ];
    await writeFile(configuration, `${lines.join('\n')}\n`);
    // -n names its shared memory: two with one name would get in each other's way.
    return ['-N', '-n', `lab${port}`, '-f', configuration];
  },
};

export const tinyproxy: RealServerPlan = {
  debianPackage: 'tinyproxy',
  scheme: 'http',
  files: ['/usr/bin/tinyproxy'],
  async prepare({ host, port, directory, exit }, credentials) {
    const configuration = join(directory, 'tinyproxy.conf');
    const lines = [
      `Port ${port}`,
      `Listen ${host}`,
      ...(exit === undefined ? [] : [`Bind ${exit}`]),
      'Timeout 600',
      'MaxClients 500',
      // Its log is on by default and grows with each request.
      'LogLevel Critical',
      ...(credentials ? [`BasicAuth ${credentials.user} ${credentials.password}`] : []),
    ];
    await writeFile(configuration, `${lines.join('\n')}\n`);
    return ['-d', '-c', configuration];
  },
};

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDaemon, type DaemonPlan } from '@fairlead/lab';
import type { Order, Vitals } from './order.js';

/** A gateway under test, whoever wrote it. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  /** @param of `memory` collects garbage before it looks. */
  vitals(of?: 'memory'): Promise<Vitals>;
  stop(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL('contender.js', import.meta.url));

/** A gateway written for Node. */
export async function startNode(name: string, order: Order): Promise<Contender> {
  const child = fork(ENTRY, [JSON.stringify(order)], { execArgv: ['--expose-gc'] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    name,
    port,
    async vitals(of) {
      const answer = once(child, 'message');
      child.send(of ?? 'cpu');
      return ((await answer) as [Vitals])[0];
    },
    async stop() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

/** squid that sends all it gets to one parent. */
export function startSquid(upstreamPort: number): Promise<Contender> {
  return startProgram('squid', {
    command: '/usr/sbin/squid',
    async prepare({ host, port, directory }) {
      const file = join(directory, 'squid.conf');
      const lines = [
        `http_port ${host}:${port}`,
        'visible_hostname bench',
        'http_access allow all',
        `cache_peer 127.0.0.1 parent ${upstreamPort} 0 no-query no-digest default`,
        'never_direct allow all',
        'cache deny all',
        'access_log none',
        `cache_log ${join(directory, 'cache.log')}`,
        `pid_filename ${join(directory, 'squid.pid')}`,
        `coredump_dir ${directory}`,
        'pinger_enable off',
        'shutdown_lifetime 1 seconds',
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      return ['-N', '-n', `bench${port}`, '-f', file];
    },
  });
}

/** tinyproxy that sends all it gets to one upstream. */
export function startTinyproxy(upstreamPort: number): Promise<Contender> {
  return startProgram('tinyproxy', {
    command: '/usr/bin/tinyproxy',
    async prepare({ host, port, directory }) {
      const file = join(directory, 'tinyproxy.conf');
      const lines = [
        `Port ${port}`,
        `Listen ${host}`,
        'Timeout 600',
        'MaxClients 500',
        'LogLevel Critical',
        `Upstream http 127.0.0.1:${upstreamPort}`,
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      return ['-d', '-c', file];
    },
  });
}

async function startProgram(name: string, plan: DaemonPlan): Promise<Contender> {
  const { port, pid, stop } = await startDaemon(plan);
  return { name, port, stop, vitals: () => Promise.resolve(vitalsOf(pid)) };
}

/** From the kernel's books: ticks of 10 ms, pages of 4 KB. */
function vitalsOf(pid: number): Vitals {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, rssMb: (Number(fields[21]) * 4096) / 2 ** 20 };
}

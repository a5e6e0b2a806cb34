import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { availability, startInChild, startRealServer } from '@fairlead/lab';
import type { BenchOrder, RequestTime } from './bench-figures.js';

/** The core that the client has to itself, so that its throughput is its cost. */
const CLIENT_CORE = availableParallelism() - 1;

/** This process, and the servers that it will start, run ahead of others where they may, and not on the client's core. */
export function takePlaces(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST / 2);
  } catch {
    console.error('no right to run ahead of others: the figures will vary with what else the machine does');
  }
  if (CLIENT_CORE > 0 && canPin) spawnSync('taskset', ['-cp', `0-${CLIENT_CORE - 1}`, String(process.pid)]);
  else console.error('the client shares its core with the servers: the factors will be nearer to 1');
}

const canPin = spawnSync('taskset', ['--version']).error === undefined;

/** A client that sends what it is told to. */
export interface BenchClient {
  round(requests: number): Promise<RequestTime>;
  stop(): Promise<void>;
}

export async function startClient(order: BenchOrder, ca: string): Promise<BenchClient> {
  const node = [process.execPath, fileURLToPath(new URL('main.js', import.meta.url)), 'bench-client'];
  const [command = '', ...args] = canPin ? ['taskset', '-c', String(CLIENT_CORE), ...node] : node;
  const child = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: ca, NODE_NO_WARNINGS: '1' },
  });
  const exited = once(child, 'exit');
  const ended = exited.then(([code]) => Promise.reject(new Error(`the client ended with ${code}`)));
  ended.catch(() => undefined);
  await answerOf(child, order, ended);
  return {
    round: (requests) => answerOf(child, requests, ended) as Promise<RequestTime>,
    stop: async () => {
      child.disconnect();
      await exited;
    },
  };
}

function answerOf(child: ChildProcess, message: number | object, ended: Promise<never>): Promise<unknown> {
  const answered = new Promise<unknown>((resolve) => void child.once('message', resolve));
  child.send(message);
  return Promise.race([answered, ended]);
}

export interface BenchProxy {
  readonly name: string;
  readonly kind: 'http' | 'socks';
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The lab's own proxies, each in a process, and one of other people's for each kind. */
export async function startProxies(): Promise<BenchProxy[]> {
  const http = await startInChild({ kind: 'http-proxy' });
  const socks = await startInChild({ kind: 'socks-proxy' });
  const proxies: BenchProxy[] = [
    { name: 'in-process', kind: 'http', url: http.url, stop: http.stop },
    { name: 'in-process', kind: 'socks', url: socks.url, stop: socks.stop },
  ];
  for (const [name, kind] of [
    ['squid', 'http'],
    ['microsocks', 'socks'],
  ] as const) {
    const state = availability(name);
    if (!state.available) {
      console.error(`without ${name}: ${state.reason}`);
      continue;
    }
    const { url, stop } = await startRealServer(name);
    proxies.push({ name, kind, url, stop });
  }
  return proxies;
}

import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { availability, certificates, startInChild, startRealServer } from '@fairlead/lab';
import {
  factorOf,
  rateOf,
  type BenchOrder,
  type BenchReport,
  type ClientFigures,
  type Rival,
} from './bench-figures.js';
import { CLIENT_NAMES, type ClientName } from './clients.js';

/**
 * The dialer against the stock agents. Proxies and targets run in processes of their own; the client runs in one more,
 * held to one core, so that its throughput is its cost.
 */
const { values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    rounds: { type: 'string', default: '9' },
    requests: { type: 'string', default: '2000' },
    only: { type: 'string' },
    /** Leaves out the new agent for each request, which takes most of the time. */
    'no-fresh': { type: 'boolean' },
  },
});

prefer();
const directory = await mkdtemp(join(tmpdir(), 'fairlead-bench-'));
const ca = join(directory, 'ca.pem');
await writeFile(ca, certificates().ca);
const target = await startInChild({ kind: 'target', options: { certificate: 'good', record: false } });
const proxies = await startProxies();
const order: BenchOrder = {
  targetUrl: `${target.url}/status/200`,
  rounds: Number(values.rounds),
  requests: Number(values.requests),
  concurrency: 32,
  withFresh: values['no-fresh'] !== true,
  clients: CLIENT_NAMES.filter((name) => values.only === undefined || values.only.split(',').includes(name)),
  proxies: proxies.map(({ name, kind, url }) => ({ name, kind, url })),
};
const report = await measure(order);
for (const { stop } of proxies) await stop();
await target.stop();
await rm(directory, { recursive: true });
print(report);

/** Ahead of whatever else the machine does, where we may: its children inherit that. */
function prefer(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST / 2);
  } catch {
    console.error('no right to run ahead of others: the figures will vary with what else the machine does');
  }
}

interface BenchProxy {
  readonly name: string;
  readonly kind: 'http' | 'socks';
  readonly url: string;
  readonly stop: () => Promise<void>;
}

async function startProxies(): Promise<BenchProxy[]> {
  const http = await startInChild({ kind: 'http-proxy' });
  const socks = await startInChild({ kind: 'socks-proxy' });
  const own: BenchProxy[] = [
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
    own.push({ name, kind, url, stop });
  }
  return own;
}

/** Asks the target how many handshakes there were, whenever the client says so. */
async function measure(order: BenchOrder): Promise<BenchReport> {
  const entry = [fileURLToPath(new URL('main.js', import.meta.url)), 'bench-client'];
  const pin = ['taskset', '-c', '1'] as const;
  const pinned = spawnSync(pin[0], ['--version']).error === undefined;
  const [command, ...args] = pinned ? [...pin, process.execPath, ...entry] : [process.execPath, ...entry];
  const child = spawn(command!, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: ca },
  });
  child.send(order);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the client ended with ${code}`)));
    child.on('message', (message: BenchReport | 'tally') => {
      if (message !== 'tally') return resolve(message);
      void target.tally().then(({ handshakes }) => child.send(handshakes.full + handshakes.resumed));
    });
  });
}

function print({ figures }: BenchReport): void {
  for (const figure of figures) console.error(describe(figure));
  const http = byClient(figures, 'http', (of) => ({ vsCached: lowest(of, 'cached'), vsFresh: lowest(of, 'fresh') }));
  const socks = byClient(figures, 'socks', (of) => ({ vsCached: lowest(of, 'cached') }));
  const summary = { http, socks, tlsHandshakes: Math.max(...figures.map(({ tlsHandshakes }) => tlsHandshakes)) };
  console.log(values.json ? JSON.stringify(summary) : summary);
}

function describe(figure: ClientFigures): string {
  const { client, proxy, kind, tlsHandshakes } = figure;
  const rate = (rival: Rival) => `${rateOf(figure, rival, order.requests)}/s`;
  const against = (rival: Rival) =>
    `${rate(rival)} (dialer ${factorOf(figure, rival).toFixed(2)}×, by CPU ${factorOf(figure, rival, 'cpuMs').toFixed(2)}×)`;
  const fresh = kind === 'http' && order.withFresh ? `, new agent each ${against('fresh')}` : '';
  return `${kind} ${proxy} ${client}: dialer ${rate('ours')}, ${tlsHandshakes} handshakes; cached ${against('cached')}${fresh}`;
}

function byClient<T>(
  figures: readonly ClientFigures[],
  kind: string,
  tell: (of: readonly ClientFigures[]) => T,
): object {
  const of = (name: ClientName) => figures.filter(({ client, kind: its }) => client === name && its === kind);
  return Object.fromEntries(order.clients.map((name) => [name, tell(of(name))]));
}

function lowest(figures: readonly ClientFigures[], rival: Rival): number {
  return Math.round(Math.min(...figures.map((figure) => factorOf(figure, rival))) * 100) / 100;
}

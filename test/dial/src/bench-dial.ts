import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { certificates, startInChild } from '@fairlead/lab';
import { factorOf, rateOf, type Comparison, type RequestTime, type Rival } from './bench-figures.js';
import { startClient, startProxies, takePlaces, type BenchClient, type BenchProxy } from './bench-processes.js';
import { CLIENT_NAMES, type ClientName } from './clients.js';

/**
 * The dialer against the stock agents. Proxies, target and each contender run in processes of their own; contenders take
 * turns on one core, which is theirs.
 */
const { values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    rounds: { type: 'string', default: '15' },
    requests: { type: 'string', default: '2000' },
    only: { type: 'string' },
    /** Leaves out the new agent for each request, which takes most of the time. */
    'no-fresh': { type: 'boolean' },
    /** Sends once more past the proxies, to show how far any agent could come. */
    ceiling: { type: 'boolean' },
  },
});
const rounds = Number(values.rounds);
const requests = Number(values.requests);
const clients = CLIENT_NAMES.filter((name) => values.only === undefined || values.only.split(',').includes(name));
const CONCURRENCY = 32;
/** A new agent for each request takes as long for one as the others for ten: fewer say as much, for times are per request. */
const FRESH_SHARE = 8;

takePlaces();
const directory = await mkdtemp(join(tmpdir(), 'fairlead-bench-'));
const ca = join(directory, 'ca.pem');
await writeFile(ca, certificates().ca);
const target = await startInChild({ kind: 'target', options: { certificate: 'good', record: false } });
const proxies = await startProxies();
const figures: Comparison[] = [];
for (const proxy of proxies) for (const client of clients) figures.push(await compare(client, proxy));
for (const { stop } of proxies) await stop();
await target.stop();
await rm(directory, { recursive: true });
print();

async function compare(client: ClientName, proxy: BenchProxy): Promise<Comparison> {
  const rivals: Rival[] = ['ours', 'cached'];
  if (proxy.kind === 'http' && values['no-fresh'] !== true) rivals.push('fresh');
  if (values.ceiling === true) rivals.push('direct');
  const contenders = new Map<Rival, BenchClient>();
  for (const rival of rivals) {
    const order = {
      client,
      rival,
      proxyUrl: proxy.url,
      targetUrl: `${target.url}/status/200`,
      concurrency: CONCURRENCY,
    };
    contenders.set(rival, await startClient(order, ca));
  }
  const took: Partial<Record<Rival, RequestTime>>[] = [];
  let tlsHandshakes = 0;
  // The first is not counted: compilers and caches warm up in it.
  for (let n = -1; n < rounds; n += 1) {
    const times: Partial<Record<Rival, RequestTime>> = {};
    // Who comes first alternates: the machine is not the same at the end of a round.
    for (const rival of n % 2 === 0 ? rivals : rivals.toReversed()) {
      const before = await handshakes();
      times[rival] = (await contenders.get(rival)?.round(rival === 'fresh' ? requests / FRESH_SHARE : requests))!;
      if (rival === 'ours') tlsHandshakes = Math.max(tlsHandshakes, (await handshakes()) - before);
    }
    if (n >= 0) took.push(times);
  }
  for (const contender of contenders.values()) await contender.stop();
  const comparison: Comparison = { client, proxy: proxy.name, kind: proxy.kind, rounds: took, tlsHandshakes };
  console.error(describe(comparison));
  return comparison;
}

async function handshakes(): Promise<number> {
  const { handshakes: seen } = await target.tally();
  return seen.full + seen.resumed;
}

function print(): void {
  const http = byClient('http', (of) => ({
    vsCached: lowest(of, 'cached'),
    ...(values['no-fresh'] === true ? {} : { vsFresh: lowest(of, 'fresh') }),
  }));
  const socks = byClient('socks', (of) => ({ vsCached: lowest(of, 'cached') }));
  const summary = { http, socks, tlsHandshakes: Math.max(...figures.map(({ tlsHandshakes }) => tlsHandshakes)) };
  console.log(values.json ? JSON.stringify(summary) : summary);
}

function describe(figure: Comparison): string {
  const { client, proxy, kind, tlsHandshakes } = figure;
  const against = (rival: Rival) =>
    `${rateOf(figure, rival)}/s (dialer ${factorOf(figure, rival).toFixed(2)}×, by CPU ${factorOf(figure, rival, 'cpuMs').toFixed(2)}×)`;
  const fresh = figure.rounds[0]?.fresh === undefined ? '' : `; new agent each ${against('fresh')}`;
  const ceiling =
    figure.rounds[0]?.direct === undefined
      ? ''
      : `; no proxy against cached ${factorOf(figure, 'cached', 'wallMs', 'direct').toFixed(2)}×`;
  const ours = `dialer ${rateOf(figure, 'ours')}/s, ${tlsHandshakes} handshakes`;
  return `${kind} ${proxy} ${client}: ${ours}; cached ${against('cached')}${fresh}${ceiling}`;
}

function byClient<T>(kind: string, tell: (of: readonly Comparison[]) => T): object {
  const of = (name: ClientName) => figures.filter(({ client, kind: its }) => client === name && its === kind);
  return Object.fromEntries(clients.map((name) => [name, tell(of(name))]));
}

function lowest(of: readonly Comparison[], rival: Rival): number {
  return Math.round(Math.min(...of.map((figure) => factorOf(figure, rival))) * 100) / 100;
}

// Our gateway against proxy-chain, squid and tinyproxy, each with one upstream and in a process of its own, in one run.
// `--json` prints the result alone; `--upstream squid` changes what stands behind them; `--rounds`, `--requests` and `--tunnels` make it longer or shorter.
import { startInChild, startRealServer } from '@fairlead/lab';
import { startNode, startSquid, startTinyproxy, type Contender } from './contenders.js';
import { failures } from './failures.js';
import { growth } from './growth.js';
import { loadBulk, loadConnect, loadPlain, type Load, type Loaded } from './load.js';
import { slowCrowd } from './slow-crowd.js';
import { argument, median, rounded, say } from './report.js';

const ROUNDS = argument('--rounds', 7);
const REQUESTS = argument('--requests', 3000);
const GIGABYTE = argument('--bulk', 2 ** 30);
const CONCURRENCY = 64;

const target = await startInChild({ kind: 'target', options: { record: false } });
// The lab's proxy is written for Node, as are two of the contenders; `--upstream squid` puts squid behind all of them.
const withSquid = process.argv.includes('squid');
const upstream = await (withSquid ? startRealServer('squid') : startInChild({ kind: 'http-proxy' }));
const { port } = upstream;
const [ours, oursAbsolute, proxyChain, squid, tinyproxy] = await Promise.all([
  startNode('ours', { kind: 'ours', upstreams: [upstream.url] }),
  startNode('ours, absolute form', { kind: 'ours', upstreams: [upstream.url], plain: 'absolute' }),
  startNode('proxy-chain', { kind: 'proxyChain', upstreams: [upstream.url] }),
  startSquid(port),
  startTinyproxy(port),
]);
let oursFailed = 0;
const everybody: readonly Contender[] = [ours, oursAbsolute, proxyChain, squid, tinyproxy];

const connect = await compare('CONNECT', [ours, proxyChain, squid, tinyproxy], loadConnect);
const plain = await compare('plain', everybody, loadPlain);
const bulk = await compareBulk([ours, proxyChain, squid]);
await Promise.all(everybody.map((contender) => contender.stop()));
const lost = await failures(target.port, argument('--failures', 2000));
const slow = await slowCrowd(target.port, upstream.url, argument('--crowd', 10_000));
const rssGrowth = await growth(target.port, upstream.url, argument('--tunnels', 100_000));
await Promise.all([target.stop(), upstream.stop()]);

const result = {
  connect: {
    vsProxyChain: connect.rate(ours, proxyChain),
    vsSquid: connect.rate(ours, squid),
    cpu: connect.cpu(ours, proxyChain),
  },
  plain: {
    vsProxyChain: plain.rate(ours, proxyChain),
    absoluteForm: plain.rate(oursAbsolute, proxyChain),
    vsSquid: plain.rate(ours, squid),
  },
  tunnel: { vsProxyChain: bulk.rate(ours, proxyChain), cpu: bulk.cpu(ours, proxyChain) },
  failures: lost,
  slow,
  rssGrowth,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
// A figure of requests that were not carried is none.
if (oursFailed + lost.ours > 0) process.exitCode = 1;

interface Figures {
  readonly rate: number;
  readonly cpuMs: number;
}

type Rounds = ReadonlyMap<Contender, Figures>[];

/** Medians of the ratios of single rounds: what disturbs a round disturbs both sides of it. */
function comparison(rounds: Rounds) {
  const ratio = (of: (figures: Figures) => number) => (one: Contender, other: Contender) =>
    rounded(median(rounds.map((round) => of(round.get(one)!) / of(round.get(other)!))));
  return { rate: ratio(({ rate }) => rate), cpu: ratio(({ cpuMs }) => cpuMs) };
}

async function compare(what: string, contenders: readonly Contender[], load: (load: Load) => Promise<Loaded>) {
  const terms = (contender: Contender, requests: number): Load => ({
    gatewayPort: contender.port,
    targetPort: target.port,
    requests,
    concurrency: CONCURRENCY,
  });
  for (const contender of contenders) await load(terms(contender, REQUESTS));
  const rounds: Rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const figures = new Map<Contender, Figures>();
    // Whoever comes first in one round comes last in the next.
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const before = await contender.vitals();
      const { perSecond, failures: failed, p99Ms } = await load(terms(contender, REQUESTS));
      const cpuMs = ((await contender.vitals()).cpuMs - before.cpuMs) / REQUESTS;
      if (failed > 0 && contender.name.startsWith('ours')) oursFailed += failed;
      if (failed > 0) say(`${what}: ${contender.name} failed ${failed} of ${REQUESTS}`);
      figures.set(contender, { rate: perSecond, cpuMs });
      say(
        `${what} ${round}: ${contender.name} ${perSecond.toFixed(0)}/s, ${(cpuMs * 1000).toFixed(0)} us of CPU, p99 ${p99Ms.toFixed(1)} ms`,
      );
    }
    rounds.push(figures);
  }
  return comparison(rounds);
}

async function compareBulk(contenders: readonly Contender[]) {
  const rounds: Rounds = [];
  for (let round = 0; round < Math.min(ROUNDS, 5); round += 1) {
    const figures = new Map<Contender, Figures>();
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const before = await contender.vitals();
      const load = { gatewayPort: contender.port, targetPort: target.port, requests: 1, concurrency: 1 };
      const rate = await loadBulk(load, GIGABYTE);
      const cpuMs = (await contender.vitals()).cpuMs - before.cpuMs;
      figures.set(contender, { rate, cpuMs });
      say(`tunnel ${round}: ${contender.name} ${rate.toFixed(0)} MB/s, ${cpuMs.toFixed(0)} ms of CPU`);
    }
    rounds.push(figures);
  }
  return comparison(rounds);
}

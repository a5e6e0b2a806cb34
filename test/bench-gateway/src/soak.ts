// The gateway under steady use while its upstreams fail one after another: a fault every few seconds, half of them always
// good. `--json` prints the result alone, `--minutes` (5) says how long.
import { startInChild } from '@fairlead/lab';
import { startNode } from './contenders.js';
import { loadConnect, loadPlain, type Load } from './load.js';
import { MOODS, startMoodyProxy, type Mood } from './moody-proxy.js';
import { argument, rounded, say } from './report.js';

const MINUTES = argument('--minutes', 5);
const FAULT_MS = 3000;
const SAMPLE_MS = 5000;

const target = await startInChild({ kind: 'target', options: { record: false } });
const real = await startInChild({ kind: 'http-proxy' });
const proxies = await Promise.all(Array.from({ length: 6 }, () => startMoodyProxy(real.port)));
const ours = await startNode('ours', { kind: 'ours', upstreams: proxies.map(({ url }) => url), policy: 'respectful' });

const until = performance.now() + MINUTES * 60_000;
const samples: { readonly minute: number; readonly rssMb: number }[] = [];
let avoidableFailures = 0;
let requests = 0;

await Promise.all([use(loadConnect, 4), use(loadPlain, 4), change(), sample()]);
await ours.stop();
for (const proxy of proxies) proxy.close();
await Promise.all([target.stop(), real.stop()]);
// The first fifth is the warming of caches and compilers.
const settled = samples.slice(Math.floor(samples.length / 5));
say(`${requests} requests, memory ${settled[0]?.rssMb.toFixed(1)} to ${settled.at(-1)?.rssMb.toFixed(1)} MB`);
process.stdout.write(`${JSON.stringify({ avoidableFailures, rssSlopeMBPerMin: rounded(slopeOf(settled)) })}\n`);

/** Half of the upstreams are good at any moment: a request that fails before its answer began could have been carried. */
async function use(load: (load: Load) => Promise<{ readonly failures: number }>, concurrency: number): Promise<void> {
  const terms = { gatewayPort: ours.port, targetPort: target.port, requests: 100, concurrency };
  while (performance.now() < until) {
    const { failures } = await load({ ...terms, onlyUnanswered: true });
    avoidableFailures += failures;
    requests += terms.requests;
    await pause(150);
  }
}

async function change(): Promise<void> {
  for (let turn = 0; performance.now() < until; turn += 1) {
    const mood: Mood = MOODS[turn % MOODS.length]!;
    const proxy = proxies[turn % proxies.length]!;
    proxy.mood = mood;
    proxies[(turn + 3) % proxies.length]!.mood = 'good';
    say(`${turn}: ${proxy.url} is in the mood to ${mood}; ${avoidableFailures} failures so far`);
    await pause(FAULT_MS);
  }
}

async function sample(): Promise<void> {
  const since = performance.now();
  while (performance.now() < until) {
    const { rssMb } = await ours.vitals('memory');
    samples.push({ minute: (performance.now() - since) / 60_000, rssMb });
    await pause(Math.min(SAMPLE_MS, MINUTES * 3000));
  }
}

/** Least squares. */
function slopeOf(points: typeof samples): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(({ minute }) => minute)), mean(points.map(({ rssMb }) => rssMb))];
  const above = points.reduce((sum, { minute, rssMb }) => sum + (minute - x) * (rssMb - y), 0);
  return above / points.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// Each client over the pool against the same client with hand-made stock agents in turn. `--json` prints the result alone.
import { CLIENTS, ours, roundRobin, type ClientName } from './contenders.js';
import { load, median } from './load.js';
import { startServers, type Servers } from './servers.js';

const json = process.argv.includes('--json');
const ROUNDS = numberOf('--rounds', 5);
const REQUESTS = numberOf('--requests', 2000);
/** On the list with broken proxies; half of them by a pool that has seen nothing yet. */
const HARD = numberOf('--hard', 1000);
const ATTEMPT_MS = 8000;

const servers = await startServers();
const result = { ratio: {}, p99Ratio: {}, failures: {} } as Record<'ratio' | 'p99Ratio', Record<string, number>> & {
  failures: Record<string, object>;
};
for (const name of CLIENTS) {
  const rounds = await speed(name, servers);
  result.ratio[name] = rounded(median(rounds.map(({ ratio }) => ratio)));
  result.p99Ratio[name] = rounded(median(rounds.map(({ p99 }) => p99)));
  result.failures[name] = await failures(name, servers);
  if (!json) process.stderr.write(`${name}: ${JSON.stringify({ rounds, failures: result.failures[name] })}\n`);
}
process.stdout.write(`${JSON.stringify(result)}\n`);
servers.stop();
process.exit();

/** Paired rounds: both contenders in each, in an order that alternates, after both have warmed up. */
async function speed(name: ClientName, { good, ca, page }: Servers) {
  const terms = { proxies: good, ca };
  const [mine, bare] = [ours(name, terms), roundRobin(name, terms)];
  for (const contender of [mine, bare]) await load(contender, page, REQUESTS / 2);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? [mine, bare] : [bare, mine];
    const loads = new Map<object, Awaited<ReturnType<typeof load>>>();
    for (const contender of order) loads.set(contender, await load(contender, page, REQUESTS));
    const [own, theirs] = [loads.get(mine)!, loads.get(bare)!];
    rounds.push({ ratio: own.perSecond / theirs.perSecond, p99: own.p99Ms / theirs.p99Ms, own, theirs });
  }
  await Promise.all([mine.close(), bare.close()]);
  return rounds;
}

/** Requests that the caller sees fail, on a list of which three in ten are dead, hang or answer 502. */
async function failures(name: ClientName, { mixed, ca, page }: Servers) {
  const terms = { proxies: mixed, ca, timeoutMs: ATTEMPT_MS };
  const mine = ours(name, { ...terms, policy: { retry: { maxAttempts: 10 } } });
  const cold = await load(mine, page, HARD / 2);
  const warm = await load(mine, page, HARD / 2);
  await mine.close();
  const bare = roundRobin(name, terms);
  const theirs = await load(bare, page, HARD);
  await bare.close();
  return {
    ours: cold.failures + warm.failures,
    cold: cold.failures,
    warm: warm.failures,
    roundRobin: theirs.failures,
    requests: HARD,
  };
}

function numberOf(flag: string, otherwise: number): number {
  const given = process.argv[process.argv.indexOf(flag) + 1];
  return process.argv.includes(flag) ? Number(given) : otherwise;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

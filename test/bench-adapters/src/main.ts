// Each client over the pool against the same client with hand-made stock agents in turn. `--json` prints the result alone.
import { leaveClientCore, startContender, type ContenderProcess } from './contender-process.js';
import { CLIENTS, type ClientName, type Terms } from './contenders.js';
import { median, type Load } from './load.js';
import { startServers, type Servers } from './servers.js';

const json = process.argv.includes('--json');
const ROUNDS = numberOf('--rounds', 5);
const REQUESTS = numberOf('--requests', 2000);
/** On the list with broken proxies; half of them by a pool that has seen nothing yet. */
const HARD = numberOf('--hard', 1000);
const ATTEMPT_MS = 8000;

leaveClientCore();
const servers = await startServers();
const result = { ratio: {}, p99Ratio: {}, failures: {} } as Record<'ratio' | 'p99Ratio', Record<string, number>> & {
  failures: Record<string, object>;
};
for (const name of CLIENTS) {
  const rounds = await speed(name, servers);
  result.ratio[name] = rounded(median(rounds.map(({ ratio }) => ratio)));
  result.p99Ratio[name] = rounded(median(rounds.map(({ p99 }) => p99)));
  result.failures[name] = await failures(name, servers);
  const byCpu = rounded(median(rounds.map((round) => round.byCpu)));
  process.stderr.write(`${name}: ${result.ratio[name]}×, by CPU ${byCpu}×, p99 ${result.p99Ratio[name]}×\n`);
  if (!json) process.stderr.write(`${JSON.stringify({ rounds, failures: result.failures[name] })}\n`);
}
process.stdout.write(`${JSON.stringify(result)}\n`);
servers.stop();
process.exit();

/** Paired rounds: both contenders in each, in an order that alternates, after both have warmed up. */
async function speed(name: ClientName, { good, ca, page }: Servers) {
  const terms = { proxies: good, ca };
  const mine = await startContender({ name, who: 'ours', terms, page });
  const bare = await startContender({ name, who: 'roundRobin', terms, page });
  for (const contender of [mine, bare]) await contender.load(REQUESTS);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const loads = new Map<ContenderProcess, Load>();
    for (const contender of round % 2 === 0 ? [mine, bare] : [bare, mine])
      loads.set(contender, await contender.load(REQUESTS));
    const [own, theirs] = [loads.get(mine)!, loads.get(bare)!];
    const byCpu = theirs.cpuMs / own.cpuMs;
    rounds.push({ ratio: own.perSecond / theirs.perSecond, byCpu, p99: own.p99Ms / theirs.p99Ms, own, theirs });
  }
  await mine.stop();
  await bare.stop();
  return rounds;
}

/** Requests that the caller sees fail, on a list of which three in ten are dead, hang or answer 502. */
async function failures(name: ClientName, { mixed, ca, page }: Servers) {
  const terms: Terms = { proxies: mixed, ca, timeoutMs: ATTEMPT_MS };
  const policy = { retry: { maxAttempts: 10 } };
  const mine = await startContender({ name, who: 'ours', terms: { ...terms, policy }, page });
  const cold = await mine.load(HARD / 2);
  const warm = await mine.load(HARD / 2);
  await mine.stop();
  const bare = await startContender({ name, who: 'roundRobin', terms, page });
  const theirs = await bare.load(HARD);
  await bare.stop();
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

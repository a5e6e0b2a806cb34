// What Crawlee and Playwright gain by the pool, and what it costs them. `--json` prints the result alone.
import { contextCost, startRealProxies, visitThroughRealProxies } from './contexts.js';
import { cleanCrawls, CRAWL_PAGES, hardCrawls } from './verify-crawls.js';

const json = process.argv.includes('--json');
const ROUNDS = numberOf('--rounds', 5);

const proxies = await startRealProxies();
const visits = await visitThroughRealProxies(proxies);
await Promise.all(proxies.map((proxy) => proxy.stop()));
tell('contexts', visits);

const { ours, plain, tiered } = await hardCrawls();
tell('crawls', { ours, plain, tiered });
const noBadProxy = await cleanCrawls(ROUNDS);
tell('no bad proxy, by round', noBadProxy);
const cost = await contextCost(ROUNDS);
tell('cost of contexts, by round', cost);

const against = ({ failedAttempts, seconds }: typeof plain) => ({
  failedAttempts,
  speedup: rounded(seconds / ours.seconds),
});
const result = {
  contexts: visits.contexts,
  stickyViolations: visits.stickyViolations,
  directConnections: visits.directConnections + ours.direct,
  pagesLost: CRAWL_PAGES - ours.pages,
  crawlee: {
    failedAttempts: ours.failedAttempts,
    failedLeases: ours.failedLeases,
    plain: against(plain),
    tiered: against(tiered),
    noBadProxy: rounded(median(noBadProxy)),
  },
  contextCostRatio: rounded(median(cost)),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
const { crawlee } = result;
const kept =
  result.stickyViolations === 0 &&
  result.directConnections === 0 &&
  result.pagesLost === 0 &&
  crawlee.failedAttempts <= plain.failedAttempts / 5 &&
  crawlee.plain.speedup >= 2.5 &&
  crawlee.tiered.speedup >= 1.5 &&
  crawlee.noBadProxy >= 0.95 &&
  result.contextCostRatio <= 1.25;
process.exit(kept ? 0 : 1);

function tell(what: string, value: unknown): void {
  if (!json) process.stderr.write(`${what}: ${JSON.stringify(value)}\n`);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)]!;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function numberOf(flag: string, otherwise: number): number {
  const given = process.argv[process.argv.indexOf(flag) + 1];
  return process.argv.includes(flag) ? Number(given) : otherwise;
}

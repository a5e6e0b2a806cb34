import { ProxyConfiguration } from '@crawlee/core';
import { createPool } from '@fairlead/core';
import { crawleePool } from '@fairlead/crawlee';
import type { CheerioCrawlingContext } from '@crawlee/cheerio';
import { crawl, type CrawlResult } from './crawl.js';
import { startFleetWorld, type FleetOrder, type FleetWorld } from './fleet-world.js';

export const CRAWL_PAGES = 500;
const HARD: FleetOrder = { good: 35, dead: 5, hanging: 5, banned: 5, pageMs: 150 };
const CLEAN: FleetOrder = { good: 50, dead: 0, hanging: 0, banned: 0, pageMs: 150 };

/** A crawl over the pool, with what the pool itself tried and the crawler never saw. */
export interface PoolCrawl extends CrawlResult {
  readonly failedLeases: number;
  readonly direct: number;
}

export interface HardCrawls {
  readonly ours: PoolCrawl;
  readonly plain: CrawlResult;
  readonly tiered: CrawlResult;
}

/** The same pages over the same broken fleet: over the pool, and over Crawlee's own configurations. */
export async function hardCrawls(): Promise<HardCrawls> {
  const world = await startFleetWorld(HARD);
  try {
    return { ours: await overPool(world), plain: await overPlain(world), tiered: await overTiers(world) };
  } finally {
    await world.stop();
  }
}

/** Pages per second over the pool by those of Crawlee's plain rotation, with nothing broken: one figure a round. */
export async function cleanCrawls(rounds: number): Promise<readonly number[]> {
  const world = await startFleetWorld(CLEAN);
  const ratios: number[] = [];
  try {
    // Whoever comes first would pay for everything that is loaded and compiled.
    await overPlain(world);
    await overPool(world);
    for (let round = 0; round < rounds; round += 1) {
      const order = round % 2 === 0 ? [overPool, overPlain] : [overPlain, overPool];
      const [first, second] = [await order[0]!(world), await order[1]!(world)];
      ratios.push(round % 2 === 0 ? second.seconds / first.seconds : first.seconds / second.seconds);
    }
    return ratios;
  } finally {
    await world.stop();
  }
}

async function overPool(world: FleetWorld): Promise<PoolCrawl> {
  const pool = createPool({ proxies: world.proxies, policy: 'rotate' });
  await world.tally();
  const result = await crawl(world.url, CRAWL_PAGES, (tell) => ({
    ...crawleePool<CheerioCrawlingContext>(pool, { gateway: { allowPrivate: 'all' }, ...tell }),
  }));
  const { attempts, succeeded } = pool.stats();
  const { direct } = await world.tally();
  await pool.close();
  return { ...result, failedLeases: attempts - succeeded, direct };
}

function overPlain({ url, proxies }: FleetWorld): Promise<CrawlResult> {
  const proxyConfiguration = new ProxyConfiguration({ proxyUrls: [...proxies] });
  return crawl(url, CRAWL_PAGES, (tell) => ({ proxyConfiguration, ...tell }));
}

function overTiers({ url, proxies }: FleetWorld): Promise<CrawlResult> {
  const half = Math.ceil(proxies.length / 2);
  const tieredProxyUrls = [proxies.slice(0, half), proxies.slice(half)].map((tier) => [...tier]);
  const proxyConfiguration = new ProxyConfiguration({ tieredProxyUrls });
  return crawl(url, CRAWL_PAGES, (tell) => ({ proxyConfiguration, ...tell }));
}

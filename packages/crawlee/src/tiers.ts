import type { EndpointId, Pool } from '@fairlead/core';
import type { PageMemory } from './page-memory.js';

/** One list of proxies for a pool, from lists by tier as Crawlee 3's `tieredProxyUrls` has them, cheapest first. */
export function tieredProxies(
  tiers: readonly (readonly string[])[],
): { readonly url: string; readonly tier: number }[] {
  return tiers.flatMap((urls, tier) => urls.map((url) => ({ url, tier })));
}

/** Which endpoints a page should not go through again while there are others: those that failed it, and tiers that refused it. */
export function excludedFor(pool: Pool, memory: PageMemory | undefined): readonly EndpointId[] {
  if (memory === undefined || (memory.failed.size === 0 && memory.refusedTier < 0)) return [];
  const { endpoints } = pool.stats();
  const fresh = endpoints.filter(({ id }) => !memory.failed.has(id));
  const dearer = fresh.filter(({ tier }) => tier > memory.refusedTier);
  const kept = new Set((dearer.length > 0 ? dearer : fresh).map(({ id }) => id));
  // All have failed it: each may have another chance.
  if (kept.size === 0) return [];
  return endpoints.map(({ id }) => id).filter((id) => !kept.has(id));
}

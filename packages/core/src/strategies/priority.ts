import type { Strategy } from '../kernel/strategy.js';
import { TIERS } from '../kernel/table.js';
import { roundRobin } from './round-robin.js';

/** The lowest tier that has a candidate, and `within` it; traffic returns by itself when a lower tier does. */
export function priority(within: Strategy = roundRobin()): Strategy {
  return {
    ...within,
    name: 'priority',
    rank(state, query, out) {
      const allowed = query.tiers;
      let count = 0;
      for (let tier = 0; tier < TIERS && count === 0; tier += 1) {
        query.tiers = allowed & (1 << tier);
        if (query.tiers === 0 || state.fleet.byTier[tier] === 0) continue;
        count = within.rank(state, query, out);
      }
      query.tiers = allowed;
      return count;
    },
  };
}

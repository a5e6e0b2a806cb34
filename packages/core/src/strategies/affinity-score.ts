import { createPairTable, findPair, putPair } from '../kernel/pair-table.js';
import { pairKey } from '../kernel/pairs.js';
import type { Strategy } from '../kernel/strategy.js';
import { rowColumn } from './column.js';
import { leastOf, single } from './single.js';

/** A mean over about thirty attempts. */
const ALPHA = 2 / 31;
const UNKNOWN = 0.5;
const PAIRS = 2 ** 18;
/** A pair unused for so long is the first to be forgotten. */
const PAIR_LIFE_MS = 600_000;

/**
 * scatter-proxy's score: half how the pair has done, then how the endpoint has done everywhere, how lately it succeeded,
 * and a little chance: .5 pair + .3 global + .2/(1 + minutes since success) + .1·U.
 */
export function affinityScore(): Strategy {
  const pairs = createPairTable(PAIRS);
  const overall = rowColumn(UNKNOWN);
  const succeededAt = rowColumn(Number.NEGATIVE_INFINITY);
  return single(
    'affinityScore',
    (state, query) => {
      const { uid } = state.targets.states[query.target]!;
      return leastOf(state, query, (row) => {
        const slot = findPair(pairs, pairKey(state.table, row), uid);
        const pair = slot < 0 ? UNKNOWN : pairs.strikes[slot]!;
        const minutes = (query.now - succeededAt.get(row)) / 60_000;
        return -(0.5 * pair + 0.3 * overall.get(row) + 0.2 / (1 + minutes) + 0.1 * query.random());
      });
    },
    {
      settled(state, row, target, fact, now) {
        if (fact.health === 'none') return;
        const good = fact.answer === 'served' ? 1 : 0;
        const { uid } = state.targets.states[target]!;
        const known = findPair(pairs, pairKey(state.table, row), uid) >= 0;
        const slot = putPair(pairs, pairKey(state.table, row), uid, now);
        const before = known ? pairs.strikes[slot]! : UNKNOWN;
        pairs.strikes[slot] = before + ALPHA * (good - before);
        pairs.until[slot] = now + PAIR_LIFE_MS;
        overall.set(row, overall.get(row) + ALPHA * (good - overall.get(row)));
        if (good === 1) succeededAt.set(row, now);
      },
      cleared(row) {
        overall.set(row, UNKNOWN);
        succeededAt.set(row, Number.NEGATIVE_INFINITY);
      },
    },
  );
}

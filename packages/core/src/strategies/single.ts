import type { RankQuery } from '../kernel/query.js';
import { isCandidate } from '../kernel/query.js';
import type { KernelState } from '../kernel/state.js';
import type { Strategy } from '../kernel/strategy.js';
import type { Row } from '../kernel/table.js';

type Pick = (state: KernelState, query: RankQuery) => Row;

/** A strategy that names one row at a time; -1 is none. */
export function single(name: string, pick: Pick, hooks: Omit<Strategy, 'name' | 'rank'> = {}): Strategy {
  return {
    ...hooks,
    name,
    rank(state, query, out) {
      const row = pick(state, query);
      if (row < 0) return 0;
      out[0] = row;
      return 1;
    },
  };
}

/** The candidate with the least value, the first of equals; -1 without candidates. */
export function leastOf(state: KernelState, query: RankQuery, value: (row: Row) => number): Row {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let row = 0; row < state.table.size; row += 1) {
    if (!isCandidate(state, row, query)) continue;
    const mine = value(row);
    if (best >= 0 && mine >= least) continue;
    least = mine;
    best = row;
  }
  return best;
}

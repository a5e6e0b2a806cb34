import { isCandidate, type RankQuery } from '../kernel/query.js';
import type { KernelState } from '../kernel/state.js';
import type { Strategy } from '../kernel/strategy.js';
import { longer, type Row } from '../kernel/table.js';

/**
 * Smooth weighted round robin: every pick adds each weight to its row's credit and takes the total from the winner, so
 * that 5:1:1 gives a a b a c a a rather than a burst of five. A weight of a billion allocates nothing.
 */
export function roundRobin(): Strategy {
  let credit = new Float64Array(64);
  return {
    name: 'roundRobin',
    rank(state, query, out) {
      if (credit.length < state.table.size) credit = longer(credit, state.table.standing.length);
      const best = pick(state, query, credit);
      if (best < 0) return 0;
      out[0] = best;
      return 1;
    },
    cleared(row) {
      if (row < credit.length) credit[row] = 0;
    },
  };
}

function pick(state: KernelState, query: RankQuery, credit: Float64Array): Row {
  const { table } = state;
  let best = -1;
  let total = 0;
  for (let row = 0; row < table.size; row += 1) {
    if (!isCandidate(state, row, query)) continue;
    const weight = table.weight[row]!;
    total += weight;
    credit[row] = credit[row]! + weight;
    if (best < 0 || credit[row]! > credit[best]!) best = row;
  }
  if (best >= 0) credit[best] = credit[best]! - total;
  return best;
}

import { isCandidate, type RankQuery } from '../kernel/query.js';
import type { KernelState } from '../kernel/state.js';
import type { Strategy } from '../kernel/strategy.js';
import type { Row } from '../kernel/table.js';
import { rowColumn, type RowColumn } from './column.js';
import { single } from './single.js';

/**
 * Smooth weighted round robin: every pick adds each weight to its row's credit and takes the total from the winner, so
 * that 5:1:1 gives a a b a c a a rather than a burst of five. A weight of a billion allocates nothing.
 */
export function roundRobin(): Strategy {
  const credit = rowColumn(0);
  return single('roundRobin', (state, query) => pickSmoothly(state, query, credit), {
    cleared: (row) => credit.set(row, 0),
  });
}

function pickSmoothly(state: KernelState, query: RankQuery, credit: RowColumn): Row {
  const { table } = state;
  let best = -1;
  let total = 0;
  for (let row = 0; row < table.size; row += 1) {
    if (!isCandidate(state, row, query)) continue;
    const weight = table.weight[row]!;
    if (weight === 0) continue;
    total += weight;
    credit.set(row, credit.get(row) + weight);
    if (best < 0 || credit.get(row) > credit.get(best)) best = row;
  }
  if (best >= 0) credit.set(best, credit.get(best) - total);
  return best;
}

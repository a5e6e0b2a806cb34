import type { Strategy } from '../kernel/strategy.js';
import { rowColumn } from './column.js';
import { leastOf, single } from './single.js';

/** Beyond this many uses in all, two endpoints count as equally used. */
const MOST_USES = 2 ** 40;

/** The candidate with the fewest live leases, and among those the one used least in all. */
export function leastUsed(): Strategy {
  const uses = rowColumn(0);
  return single(
    'leastUsed',
    (state, query) =>
      leastOf(state, query, (row) => state.table.inFlight[row]! * MOST_USES + Math.min(uses.get(row), MOST_USES - 1)),
    {
      admitted: (_state, row) => uses.set(row, uses.get(row) + 1),
      cleared: (row) => uses.set(row, 0),
    },
  );
}

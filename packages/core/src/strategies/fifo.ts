import { isCandidate } from '../kernel/query.js';
import type { Strategy } from '../kernel/strategy.js';
import { rowColumn } from './column.js';
import { single } from './single.js';

/** proxy-hopper's queue: the endpoint that has been idle longest, one attempt on each at a time. */
export function fifo(): Strategy {
  const idleSince = rowColumn(Number.NEGATIVE_INFINITY);
  return single(
    'fifo',
    (state, query) => {
      let longest = -1;
      for (let row = 0; row < state.table.size; row += 1) {
        if (state.table.inFlight[row]! > 0 || !isCandidate(state, row, query)) continue;
        if (longest < 0 || idleSince.get(row) < idleSince.get(longest)) longest = row;
      }
      return longest;
    },
    {
      settled: (_state, row, _target, _fact, now) => idleSince.set(row, now),
      cleared: (row) => idleSince.set(row, Number.NEGATIVE_INFINITY),
    },
  );
}

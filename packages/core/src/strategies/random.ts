import { isCandidate } from '../kernel/query.js';
import type { Strategy } from '../kernel/strategy.js';
import { single } from './single.js';

/** Any candidate, each with a chance in proportion to its weight. */
export function random(): Strategy {
  return single('random', (state, query) => {
    const { table } = state;
    let choice = -1;
    let total = 0;
    for (let row = 0; row < table.size; row += 1) {
      if (!isCandidate(state, row, query)) continue;
      const weight = table.weight[row]!;
      total += weight;
      // Each newcomer takes the place with its share of all so far: one pass, and every share comes out right.
      if (query.random() * total < weight) choice = row;
    }
    return choice;
  });
}

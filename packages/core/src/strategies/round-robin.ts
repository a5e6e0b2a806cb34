import type { RankQuery, Strategy } from '../kernel/strategy.js';
import type { Row, Table } from '../kernel/table.js';

/**
 * Smooth weighted round robin: every pick adds each weight to its row's credit and takes the total from the winner, so
 * that 5:1:1 gives a a b a c a a rather than a burst of five. A weight of a billion allocates nothing.
 */
export function roundRobin(): Strategy {
  let credit = new Float64Array(64);
  return {
    name: 'roundRobin',
    rank(table, query, out) {
      if (credit.length < table.present.length) credit = grown(credit, table.present.length);
      const best = pick(table, query, credit);
      if (best < 0) return 0;
      out[0] = best;
      return 1;
    },
  };
}

function pick(table: Table, query: RankQuery, credit: Float64Array): Row {
  let best = -1;
  let total = 0;
  for (let row = 0; row < table.size; row += 1) {
    if (table.present[row] === 0 || query.excluded(row)) continue;
    const weight = table.weight[row]!;
    total += weight;
    credit[row] = credit[row]! + weight;
    if (best < 0 || credit[row]! > credit[best]!) best = row;
  }
  if (best >= 0) credit[best] = credit[best]! - total;
  return best;
}

function grown(credit: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(credit);
  return larger;
}

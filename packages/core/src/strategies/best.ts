import type { Strategy } from '../kernel/strategy.js';
import { rowColumn } from './column.js';
import { leastOf, single } from './single.js';

const UNKNOWN_MS = 50;
const PER_LEASE_MS = 50;
const ALPHA = 0.25;

/**
 * http-proxy-lb's `best`: the least of latency (EMA of the handshake alone, 50 ms while unknown) plus 50 ms for each live
 * lease. The answer's own latency is the target's and stays out of it.
 */
export function best(): Strategy {
  const latency = rowColumn(Number.NaN);
  return single(
    'best',
    (state, query) =>
      leastOf(state, query, (row) => {
        const known = latency.get(row);
        return (Number.isNaN(known) ? UNKNOWN_MS : known) + PER_LEASE_MS * state.table.inFlight[row]!;
      }),
    {
      settled(_state, row, _target, { health, handshakeMs }) {
        if (health !== 'good' || handshakeMs === undefined) return;
        const known = latency.get(row);
        latency.set(row, Number.isNaN(known) ? handshakeMs : known + ALPHA * (handshakeMs - known));
      },
      cleared: (row) => latency.set(row, Number.NaN),
    },
  );
}

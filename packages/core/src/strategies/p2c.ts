import { isCandidate, type RankQuery } from '../kernel/query.js';
import type { KernelState } from '../kernel/state.js';
import type { Strategy } from '../kernel/strategy.js';
import type { Row } from '../kernel/table.js';
import { rowColumn } from './column.js';
import { single } from './single.js';

const TAU_MS = 10_000;
/** A failure counts as slow as the slowest answer: a quick refusal would make its endpoint the best. */
const FAILURE_MS = 8_000;
const DRAWS = 16;

/** The better of two random candidates by peak EWMA of latency, which jumps up at once and sinks slowly, times load. */
export function p2c(): Strategy {
  const peak = rowColumn(0);
  const seenAt = rowColumn(0);
  const cost = ({ table }: KernelState, row: Row, now: number) =>
    peak.get(row) * Math.exp((seenAt.get(row) - now) / TAU_MS) * (table.inFlight[row]! + 1);
  return single(
    'p2c',
    (state, query) => {
      const one = drawCandidate(state, query);
      const other = drawCandidate(state, query);
      return one < 0 || cost(state, one, query.now) <= cost(state, other, query.now) ? one : other;
    },
    {
      settled(_state, row, _target, fact, now) {
        if (fact.health === 'none') return;
        const seen = fact.answer === 'served' ? fact.elapsedMs : FAILURE_MS;
        const weight = Math.exp((seenAt.get(row) - now) / TAU_MS);
        const before = peak.get(row);
        peak.set(row, seen > before ? seen : before * weight + seen * (1 - weight));
        seenAt.set(row, now);
      },
      cleared: (row) => peak.set(row, 0),
    },
  );
}

/** A random candidate; after too many misses, the next one from a random place on. */
function drawCandidate(state: KernelState, query: RankQuery): Row {
  const { size } = state.table;
  for (let draw = 0; draw < DRAWS; draw += 1) {
    const row = Math.floor(query.random() * size);
    if (isCandidate(state, row, query)) return row;
  }
  const from = Math.floor(query.random() * size);
  for (let step = 0; step < size; step += 1) {
    const row = (from + step) % size;
    if (isCandidate(state, row, query)) return row;
  }
  return -1;
}

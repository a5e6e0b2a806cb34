import { isCandidate, type RankQuery } from '../kernel/query.js';
import type { KernelState } from '../kernel/state.js';
import type { Strategy } from '../kernel/strategy.js';
import { MOST_IN_FLIGHT, type Row } from '../kernel/table.js';
import { roundRobin } from './round-robin.js';
import { createWindow, meanOf, quantileOfWindow, slide, type Window } from './window.js';

const WINDOW = 20;
const PENALTY = 0.5;
const PENALTY_MS = 60_000;
const COLD_SAMPLES = 5;
/** One choice in so many goes round the endpoints of which too little is known to score them. */
const COLD_EVERY = 5;
/** Load is taken against this where an endpoint has no limit of its own. */
const USUAL_LIMIT = 10;

interface Record {
  readonly outcomes: Window;
  readonly seconds: Window;
  p95: number;
  penaltyUntil: number;
}

/**
 * The residential-pool article's score: success · latency · load · penalty, drawn in proportion. Endpoints with few
 * samples go round robin in a bounded share of the choices, so that neither they nor the known ones starve.
 */
export function productScore(): Strategy {
  const records: (Record | undefined)[] = [];
  const cold = roundRobin();
  let choices = 0;
  return {
    name: 'productScore',
    rank(state, query, out) {
      choices += 1;
      const due = choices % COLD_EVERY === 0 ? rankCold(state, query, out) : 0;
      if (due > 0) return due;
      const row = draw(state, query, records);
      if (row < 0) return rankCold(state, query, out);
      out[0] = row;
      return 1;
    },
    settled(_state, row, _target, fact, now) {
      if (fact.health === 'none') return;
      const record = (records[row] ??= emptyRecord());
      const good = fact.answer === 'served';
      slide(record.outcomes, good ? 1 : 0);
      if (good) {
        slide(record.seconds, fact.elapsedMs / 1_000);
        record.p95 = quantileOfWindow(record.seconds, 0.95);
      }
      if (fact.health !== 'good') record.penaltyUntil = now + PENALTY_MS;
    },
    cleared(row) {
      records[row] = undefined;
      cold.cleared?.(row);
    },
  };

  function rankCold(state: KernelState, query: RankQuery, out: Int32Array): number {
    const { allowed } = query;
    query.allowed = (row) => isCold(records[row]) && (allowed === undefined || allowed(row));
    const count = cold.rank(state, query, out);
    query.allowed = allowed;
    return count;
  }
}

/** success · latency · load · penalty. */
function scoreOf({ table }: KernelState, record: Record, row: Row, now: number): number {
  const limit = table.maxInFlight[row] === MOST_IN_FLIGHT ? USUAL_LIMIT : table.maxInFlight[row]!;
  const load = Math.max(0.1, 1 - table.inFlight[row]! / limit);
  return successScore(record) * latencyScore(record.p95) * load * (now < record.penaltyUntil ? PENALTY : 1);
}

function successScore({ outcomes }: Record): number {
  return outcomes.values.length === 0 ? 1 : Math.max(0.1, meanOf(outcomes));
}

function latencyScore(p95Seconds: number): number {
  return Math.min(2, 1.5 / Math.max(0.05, p95Seconds));
}

function isCold(record: Record | undefined): boolean {
  return record === undefined || record.outcomes.values.length < COLD_SAMPLES;
}

/** One of those that are known well enough to be scored. */
function draw(state: KernelState, query: RankQuery, records: readonly (Record | undefined)[]): Row {
  let choice = -1;
  let total = 0;
  for (let row = 0; row < state.table.size; row += 1) {
    const record = records[row];
    if (record === undefined || isCold(record) || !isCandidate(state, row, query)) continue;
    const score = scoreOf(state, record, row, query.now);
    total += score;
    if (query.random() * total < score) choice = row;
  }
  return choice;
}

function emptyRecord(): Record {
  return {
    outcomes: createWindow(WINDOW),
    seconds: createWindow(WINDOW),
    p95: 0,
    penaltyUntil: Number.NEGATIVE_INFINITY,
  };
}

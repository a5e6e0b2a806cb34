import { turnRange, turnsOf } from './courtesy.js';
import { bucketOf, BUCKETS } from './cost-buckets.js';
import { costOf } from './estimate.js';
import { isOpen, MOST_CANDIDATES, suits, type RankQuery } from './query.js';
import { rowAt } from './row-sets.js';
import { FULL, IDLE_TRIAL, place, type KernelState } from './state.js';
import type { Strategy } from './strategy.js';
import { Standing, type Row } from './table.js';
import { isRecent, type Usage } from './usage.js';

/** The rows collected by one ranking, cheapest first. One ranking runs at a time: it never waits. */
const found = { rows: new Int32Array(MOST_CANDIDATES), costs: new Float64Array(MOST_CANDIDATES), count: 0, stale: -1 };

/** Whose turn it is not: endpoints among the target's last so many uses. */
const resting: { usage: Usage | undefined; after: number } = { usage: undefined, after: 0 };

/**
 * The default: the endpoint with the least expected time to a success, now and with what it already carries. Part of the
 * first attempts go to endpoints on trial, the more the scarcer known good ones are, so that the pool keeps learning.
 */
export function ets(): Strategy {
  return { name: 'ets', rank };
}

function rank(state: KernelState, query: RankQuery, out: Int32Array): number {
  const { constants: c, fleet, table } = state;
  found.count = 0;
  found.stale = -1;
  // A filter of the request's own may have thrown the last time.
  resting.usage = undefined;
  tend(state, query.now);
  const trials = table.sets.sizes[IDLE_TRIAL]!;
  // A breaker's probe asks about the target: it goes through the best endpoint there is.
  const probes = state.targets.states[query.target]!.breaker === 'open';
  if (!probes && trials > 0 && query.first && query.random() < trialShare(fleet.limits, query.demand, c)) {
    collectTrials(state, query);
  }
  if (!probes && found.count === 0 && query.random() < c.refreshShare) collectStalest(state, query);
  if (query.wary && found.count < query.want) collectByTurns(state, query);
  if (found.count < query.want) collectCheapest(state, query);
  if (found.count === 0) collectTrials(state, query);
  if (found.count === 0) collectByScan(state, query);
  out.set(found.rows.subarray(0, found.count));
  if (found.stale >= 0) place(state, found.stale, query.now);
  return found.count;
}

/** Puts one row after another where its cost is now: what is presumed of the fleet moves rows that nobody touches. */
function tend(state: KernelState, now: number): void {
  const { table } = state;
  state.tended = state.tended + 1 < table.size ? state.tended + 1 : 0;
  if (table.standing[state.tended] === Standing.active) place(state, state.tended, now);
}

/** The part of first attempts that goes to trials: less once the active endpoints have room for six times the demand. */
export function trialShare(
  limits: number,
  demand: number,
  c: { trialShareMax: number; trialShareMin: number; trialRoom: number },
): number {
  const share = c.trialShareMax * (1 - limits / (c.trialRoom * Math.max(1, demand)));
  return Math.min(c.trialShareMax, Math.max(c.trialShareMin, share));
}

/** The better of two on trial from a random place on; of a few, the best. */
function collectTrials(state: KernelState, query: RankQuery): void {
  collectFrom(state, query, IDLE_TRIAL, found.count + 2, 0);
}

/** Of eight active rows from uniformly drawn places the one not heard of for longest: its estimate may be old news. */
function collectStalest(state: KernelState, query: RankQuery): void {
  const { sizes } = state.table.sets;
  let total = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) total += sizes[bucket]!;
  if (total === 0) return;
  let stalest = -1;
  let from = 0;
  for (let draw = 0; draw < MOST_CANDIDATES; draw += 1) {
    let index = Math.floor(query.random() * total);
    let bucket = 0;
    while (index >= sizes[bucket]!) {
      index -= sizes[bucket]!;
      bucket += 1;
    }
    const row = rowAt(state.table.sets, bucket, index);
    if (stalest >= 0 && state.table.touched[row]! >= state.table.touched[stalest]!) continue;
    if (!suits(state, row, query) || !isOpen(state, row, query)) continue;
    stalest = row;
    from = bucket;
  }
  if (stalest >= 0) consider(state, query, stalest, from, 0);
}

/** The cheapest of those whose turn it is, where a refusal would stop everybody. */
function collectByTurns(state: KernelState, query: RankQuery): void {
  const usage = turnsOf(state, query);
  if (usage === undefined) return;
  const { sizes } = state.table.sets;
  const { from, to, after } = turnRange(sizes, state.constants);
  resting.usage = usage;
  resting.after = after;
  const kept = found.count;
  for (let bucket = from; bucket < to && found.count < query.want; bucket += 1) {
    if (sizes[bucket] !== 0) collectFrom(state, query, bucket, MOST_CANDIDATES, kept);
  }
  resting.usage = undefined;
}

function collectCheapest(state: KernelState, query: RankQuery): void {
  const { sizes } = state.table.sets;
  // What a trial or a refresh put first stays first.
  const kept = found.count;
  for (let bucket = 0; bucket < BUCKETS && found.count < query.want; bucket += 1) {
    if (sizes[bucket] !== 0) collectFrom(state, query, bucket, MOST_CANDIDATES, kept);
  }
}

/** Looks at a bucket from a random place on: neighbours in it are neighbours by chance, and in memory. */
function collectFrom(state: KernelState, query: RankQuery, set: number, upTo: number, kept: number): void {
  const { sets } = state.table;
  const size = sets.sizes[set]!;
  if (size === 0) return;
  const { wholeSearch, drawsPerBucket } = state.constants;
  // A small set is looked at whole: of what is found, the eight cheapest stay.
  const whole = size <= wholeSearch;
  const draws = whole ? size : drawsPerBucket;
  const enough = whole ? Number.POSITIVE_INFINITY : upTo;
  let index = whole ? 0 : Math.floor(query.random() * size);
  // One that carries nothing is worth a longer look: its connections are idle.
  for (let draw = 0; draw < draws && (found.count < enough || isBusy(state, kept)); draw += 1) {
    consider(state, query, rowAt(sets, set, index), set, kept);
    index = index + 1 === size ? 0 : index + 1;
  }
}

function isBusy({ table }: KernelState, place: number): boolean {
  return place >= found.count || table.inFlight[found.rows[place]!]! > 0;
}

/** The last resort of a request that few rows fit: every row, up to a bound, from a random place on. */
function collectByScan(state: KernelState, query: RankQuery): void {
  const { table, constants } = state;
  const count = Math.min(table.size, constants.scanRows);
  let row = Math.floor(query.random() * table.size);
  for (let seen = 0; seen < count && found.count < query.want; seen += 1) {
    const set = table.sets.setOf[row]!;
    if (set < FULL || set === IDLE_TRIAL) consider(state, query, row, set, 0);
    row = row + 1 === table.size ? 0 : row + 1;
  }
}

/** Adds the row in order of its cost, behind the `kept` ones, unless the request or the target rule it out. */
function consider(state: KernelState, query: RankQuery, row: Row, set: number, kept: number): void {
  if (resting.usage !== undefined && isRecent(resting.usage, row, resting.after)) return;
  if (!suits(state, row, query) || !isOpen(state, row, query)) return;
  const cost = costOf(state.table, state.fleet, row, query.now, state.constants);
  // Estimates fade while nobody looks: a row found in a bucket it no longer belongs to is put where it does.
  if (set < FULL && bucketOf(cost) !== set) found.stale = row;
  let at = found.count;
  while (at > kept && found.costs[at - 1]! > cost) at -= 1;
  for (let index = 0; index < found.count; index += 1) if (found.rows[index] === row) return;
  if (at >= MOST_CANDIDATES) return;
  if (found.count < MOST_CANDIDATES) found.count += 1;
  for (let index = found.count - 1; index > at; index -= 1) {
    found.rows[index] = found.rows[index - 1]!;
    found.costs[index] = found.costs[index - 1]!;
  }
  found.rows[at] = row;
  found.costs[at] = cost;
}

import type { EtsConstants } from './defaults.js';
import { fadeOver } from './estimate.js';
import { emissionMs, type Refusal } from './interval.js';
import { createPairTable, dropPair, findPair, PAIR_FLAG, putPair, type PairTable } from './pair-table.js';
import type { Row, Table } from './table.js';
import type { Targets, TargetState } from './targets.js';

/** A pair served less often than once in so many intervals tells nothing of the limit. */
const IDLE_INTERVALS = 4;
/** Strikes beyond which a longer block is no longer told apart. */
const MOST_STRIKES = 16;

/** The blocks: pairs that were refused, and what has come of them. */
export function createPairs(targets: Targets, maxSlots: number): PairTable {
  return createPairTable(maxSlots, (uid) => {
    const state = targets.byUid.get(uid);
    if (state !== undefined) state.pairs -= 1;
  });
}

/** A row as the first key of a pair: its generation keeps the pairs of an endpoint that left from a newcomer. */
export function pairKey(table: Table, row: Row): number {
  return (table.generation[row]! << 24) | row;
}

/** When the pair's block ends; 0 when it is not blocked. */
export function blockedUntil(pairs: PairTable, table: Table, row: Row, state: TargetState): number {
  if (state.pairs === 0) return 0;
  const slot = findPair(pairs, pairKey(table, row), state.uid);
  return slot < 0 ? 0 : pairs.until[slot]!;
}

/** A success: a strike is forgiven in part, and the next refusal is fresh. */
export function forgive(pairs: PairTable, table: Table, row: Row, state: TargetState, c: EtsConstants): void {
  if (state.pairs === 0) return;
  const slot = findPair(pairs, pairKey(table, row), state.uid);
  if (slot < 0) return;
  const counted = pairs.since[slot]! > 0;
  pairs.strikes[slot] = Math.max(0, pairs.strikes[slot]! - (counted ? c.throttleRelief : c.strikeRelief));
  pairs.flags[slot] = pairs.flags[slot]! | PAIR_FLAG;
  pairs.served[slot] = Math.min(65_535, pairs.served[slot]! + 1);
  if (pairs.strikes[slot] === 0 && !counted) dropPair(pairs, slot);
}

/**
 * The pair is throttled once more. A target that counts its callers has let through, between two refusals of one pair,
 * just what its limit allows in that time, however the pair was used: the one measure of the limit that needs no probing.
 */
export function measureLimit(
  pairs: PairTable,
  table: Table,
  row: Row,
  state: TargetState,
  now: number,
  c: EtsConstants,
): void {
  const slot = findPair(pairs, pairKey(table, row), state.uid);
  if (slot < 0) return;
  const since = pairs.since[slot]!;
  const served = pairs.served[slot]!;
  pairs.since[slot] = now;
  pairs.served[slot] = 0;
  if (since === 0 || served === 0) return;
  // A pair that lay idle meanwhile was let through less than it might have been.
  if (state.intervalMs > 0 && now - since > IDLE_INTERVALS * state.intervalMs * served) return;
  const fade = fadeOver(now - state.letAt, c.limitTauMs);
  state.letThrough = state.letThrough * fade + served;
  state.letThroughMs = state.letThroughMs * fade + (now - since);
  state.letAt = now;
}

/** Whether the pair had succeeded since it was last refused; unknown pairs count as such where the target answers at all. */
export function strike(pairs: PairTable, table: Table, row: Row, state: TargetState, now: number): boolean {
  const key = pairKey(table, row);
  const known = findPair(pairs, key, state.uid);
  const fresh = known < 0 ? state.success > 0 : (pairs.flags[known]! & PAIR_FLAG) !== 0;
  const slot = putPair(pairs, key, state.uid, now);
  if (known < 0) state.pairs += 1;
  pairs.strikes[slot] = Math.min(MOST_STRIKES, Math.max(0, pairs.strikes[slot]!) + 1);
  pairs.flags[slot] = pairs.flags[slot]! & ~PAIR_FLAG;
  return fresh;
}

/** Bars the pair; what the target itself asks for wins over our own guess. Returns when the block ends. */
export function block(
  pairs: PairTable,
  table: Table,
  row: Row,
  state: TargetState,
  refusal: Refusal,
  retryAfterMs: number | undefined,
  now: number,
  c: EtsConstants,
): number {
  const slot = putPair(pairs, pairKey(table, row), state.uid, now);
  const first =
    refusal === 'denied' ? firstBlock(state, c) : Math.max(c.throttleMs, c.throttleIntervals * emissionMs(state));
  const own = Math.min(c.blockMaxMs, first * 2 ** (Math.max(1, pairs.strikes[slot]!) - 1));
  pairs.until[slot] = now + (retryAfterMs ?? own);
  return pairs.until[slot]!;
}

/** Where denials stop everybody, a pair that is asked too soon costs more than one that rests too long. */
function firstBlock({ kept }: TargetState, c: EtsConstants): number {
  return kept ? c.graveBlockMs : c.blockMs;
}

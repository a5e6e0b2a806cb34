/**
 * What the kernel learned, in numbers that outlive it: lengths of time in place of instants, masses as they are now. What
 * is read back has aged by `elapsedMs` meanwhile.
 */
import { decay, fadeOver } from './estimate.js';
import type { LogHistogram } from './quantiles.js';
import { place, setLimit, setStanding, type KernelState } from './state.js';
import { findPair, putPair } from './pair-table.js';
import { pairKey } from './pairs.js';
import { internTarget } from './targets.js';
import { PROVEN, Standing, TRIED, type Row } from './table.js';

/** One endpoint. */
export interface PortableRow {
  readonly success: number;
  readonly failure: number;
  readonly latencyMs: number;
  readonly streak: number;
  readonly limit: number;
  readonly spells: number;
  readonly misses: number;
  readonly flags: number;
  readonly active: boolean;
  /** What is left of its cooldown. */
  readonly coolMs: number;
}

export function readRow({ table, constants }: KernelState, row: Row, now: number): PortableRow {
  const fade = fadeOver(now - table.epoch - table.touched[row]!, constants.tauMs);
  const standing = table.standing[row];
  return {
    success: table.success[row]! * fade,
    failure: table.failure[row]! * fade,
    latencyMs: table.latency[row]!,
    streak: table.streak[row]!,
    limit: table.limit[row]!,
    spells: table.spells[row]!,
    misses: table.misses[row]!,
    flags: table.flags[row]!,
    active: standing === Standing.active,
    coolMs: standing === Standing.cooling ? Math.max(0, table.coolUntil[row]! + table.epoch - now) : 0,
  };
}

/** Gives a row what was known of its endpoint. What an operator has held or retired keeps its standing. */
export function writeRow(state: KernelState, row: Row, saved: PortableRow, elapsedMs: number, now: number): void {
  const { table, constants } = state;
  const fade = fadeOver(elapsedMs, constants.tauMs);
  table.success[row] = saved.success * fade;
  table.failure[row] = saved.failure * fade;
  table.touched[row] = now - table.epoch;
  table.latency[row] = saved.latencyMs;
  table.streak[row] = saved.streak;
  table.spells[row] = Math.min(255, saved.spells);
  table.misses[row] = Math.min(255, saved.misses);
  table.flags[row] = saved.flags & (PROVEN | TRIED);
  setLimit(state, row, Math.min(Math.max(1, saved.limit), constants.limitMax, Math.max(1, table.maxInFlight[row]!)));
  stand(state, row, Math.max(0, saved.coolMs - elapsedMs), saved.active, now);
}

/** An endpoint that was resting when it was last seen comes back on trial. */
function stand(state: KernelState, row: Row, restMs: number, active: boolean, now: number): void {
  const { table } = state;
  const standing = table.standing[row];
  if (standing === Standing.held || standing === Standing.retired) return;
  // Out of the queue of those that rest before its order is changed.
  if (standing === Standing.cooling) setStanding(state, row, Standing.trial, now);
  if (restMs > 0) {
    table.coolUntil[row] = now + restMs - table.epoch;
    setStanding(state, row, Standing.cooling, now);
  } else {
    setStanding(state, row, active ? Standing.active : Standing.trial, now);
  }
}

/** A block of an endpoint on a target, as `until` and strikes. */
export interface PortableBlock {
  readonly row: Row;
  readonly target: string;
  readonly until: number;
  readonly strikes: number;
}

/** Every block that still holds. Read from a copy: entries move as others come and go. */
export function* readBlocks({ pairs, targets, table }: KernelState, now: number): Generator<PortableBlock> {
  const left = pairs.left.slice();
  const right = pairs.right.slice();
  const until = pairs.until.slice();
  const strikes = pairs.strikes.slice();
  for (let slot = 0; slot < right.length; slot += 1) {
    if (right[slot] === 0 || until[slot]! <= now) continue;
    const target = targets.byUid.get(right[slot]!);
    const row = left[slot]! & 0xffffff;
    if (target === undefined || pairKey(table, row) !== left[slot]) continue;
    yield { row, target: target.key, until: until[slot]!, strikes: Math.max(0, strikes[slot]!) };
  }
}

export function readBlock(state: KernelState, row: Row, key: string): PortableBlock | undefined {
  const index = state.targets.byKey.get(key);
  if (index === undefined) return undefined;
  const { pairs, table, targets } = state;
  const slot = findPair(pairs, pairKey(table, row), targets.states[index]!.uid);
  if (slot < 0) return undefined;
  return { row, target: key, until: pairs.until[slot]!, strikes: Math.max(0, pairs.strikes[slot]!) };
}

/** Bars the pair for the longer of what is known and what is told. */
export function writeBlock(state: KernelState, { row, target, until, strikes }: PortableBlock, now: number): void {
  const { pairs, table, targets } = state;
  const where = targets.states[internTarget(targets, target)]!;
  const key = pairKey(table, row);
  const known = findPair(pairs, key, where.uid);
  const slot = putPair(pairs, key, where.uid, now);
  if (known < 0) where.pairs += 1;
  pairs.until[slot] = Math.max(pairs.until[slot]!, until);
  pairs.strikes[slot] = Math.max(pairs.strikes[slot]!, strikes);
}

/** The pace learned of a target; 0 is none. */
export function readInterval({ targets }: KernelState, key: string): number {
  const index = targets.byKey.get(key);
  return index === undefined ? 0 : targets.states[index]!.intervalMs;
}

export function writeInterval({ targets, constants }: KernelState, key: string, intervalMs: number): void {
  const where = targets.states[internTarget(targets, key)]!;
  where.intervalMs = intervalMs < constants.intervalOffMs ? 0 : Math.min(constants.intervalMaxMs, intervalMs);
  where.closedUntil = 0;
}

/** What is known of the endpoints taken together. */
export interface PortableFleet {
  readonly noveltySuccess: number;
  readonly noveltyFailure: number;
  readonly failureMs: number;
  readonly latencyMs: number;
  readonly hangs: number;
  readonly quick: number;
  /** Bins that hold anything, as index and count in turn. */
  readonly firsts: readonly number[];
  readonly ratios: readonly number[];
}

export function readFleet({ fleet, constants }: KernelState, now: number): PortableFleet {
  const fade = Math.exp((fleet.noveltyTouched - now) / constants.noveltyTauMs);
  return {
    noveltySuccess: fleet.noveltySuccess * fade,
    noveltyFailure: fleet.noveltyFailure * fade,
    failureMs: fleet.failureMs,
    latencyMs: fleet.latencyMs,
    hangs: fleet.patience.hangs,
    quick: fleet.patience.quick,
    firsts: filledBins(fleet.firsts),
    ratios: filledBins(fleet.ratios),
  };
}

export function writeFleet(
  { fleet, constants }: KernelState,
  saved: PortableFleet,
  elapsedMs: number,
  now: number,
): void {
  const fade = Math.exp(-elapsedMs / constants.noveltyTauMs);
  fleet.noveltySuccess = saved.noveltySuccess * fade;
  fleet.noveltyFailure = saved.noveltyFailure * fade;
  fleet.noveltyTouched = now;
  fleet.noveltyReadAt = Number.NEGATIVE_INFINITY;
  fleet.failureMs = Math.max(1, saved.failureMs);
  fleet.latencyMs = Math.max(1, saved.latencyMs);
  fleet.patience.hangs = Math.min(1, saved.hangs);
  fleet.patience.quick = saved.quick;
  fleet.patience.since = Number.POSITIVE_INFINITY;
  fillBins(fleet.firsts, saved.firsts);
  fillBins(fleet.ratios, saved.ratios);
}

function filledBins({ bins }: LogHistogram): number[] {
  const filled: number[] = [];
  for (const [bin, count] of bins.entries()) if (count > 0) filled.push(bin, count);
  return filled;
}

function fillBins(histogram: LogHistogram, filled: readonly number[]): void {
  histogram.bins.fill(0);
  for (let index = 0; index + 1 < filled.length; index += 2) {
    const bin = filled[index]!;
    if (Number.isInteger(bin) && bin < histogram.bins.length) histogram.bins[bin] = filled[index + 1]!;
  }
  histogram.total = histogram.bins.reduce((sum, count) => sum + count, 0);
}

/** What another worker has seen of an endpoint since it last spoke of it. */
export interface Gained {
  readonly attempts: number;
  readonly success: number;
  readonly failure: number;
}

/** Adds what another worker has seen of the endpoint; what rests there rests here too, and what answered there is good. */
export function mergeRow(state: KernelState, row: Row, saved: PortableRow, gained: Gained, now: number): void {
  const { table, constants } = state;
  decay(table, row, now, constants);
  table.success[row] = table.success[row]! + gained.success;
  table.failure[row] = table.failure[row]! + gained.failure;
  table.flags[row] = table.flags[row]! | (saved.flags & (PROVEN | TRIED));
  const known = table.latency[row]!;
  if (saved.latencyMs > 0) {
    table.latency[row] = known > 0 ? known + constants.latencyAlpha * (saved.latencyMs - known) : saved.latencyMs;
  }
  const standing = table.standing[row];
  const until = now + saved.coolMs;
  if (saved.coolMs > 0 && (standing === Standing.active || standing === Standing.trial)) {
    table.spells[row] = Math.max(table.spells[row]!, Math.min(255, saved.spells));
    stand(state, row, saved.coolMs, false, now);
    state.onEffect('cooled', row, -1, until);
  } else if (saved.active && gained.success > 0 && (standing === Standing.trial || standing === Standing.cooling)) {
    stand(state, row, 0, true, now);
    state.onEffect('activated', row, -1, now);
  } else {
    place(state, row, now);
  }
}

import type { EtsConstants } from './defaults.js';
import { fadeOver } from './estimate.js';
import type { Fact } from './fact.js';
import type { Row } from './table.js';
import { startRate, type TargetState } from './targets.js';
import { countedAt, type Counted } from './usage.js';

/** What a refusal says of the pace: too many requests, or none wanted. */
export type Refusal = 'throttled' | 'denied';

/** The least time between uses of one endpoint on the target: what the user asked for, or what was learned. */
export function emissionMs(state: TargetState): number {
  return Math.max(state.configuredMs, state.intervalMs);
}

/**
 * The learned pace is for what the target sees: where not even the proxy was reached it is taken back, and only what the
 * user asked for must lie between two tries.
 */
export function unusedMs(state: TargetState, { connect, health }: Fact): number {
  return connect && health === 'bad' ? Math.max(0, state.intervalMs - state.configuredMs) : 0;
}

/** How far a use may come early: half of what was learned, but never within the pace the user asked for. */
export function burstMs(state: TargetState): number {
  return Math.max(0, Math.min(state.intervalMs / 2, state.intervalMs - state.configuredMs));
}

/**
 * Raises the interval on a fresh refusal. Fresh means that the pair had succeeded since its last block: without it every
 * re-hit of one ban would raise it again. Returns whether it rose.
 */
export function raiseInterval(
  state: TargetState,
  refusal: Refusal,
  active: number,
  now: number,
  c: EtsConstants,
): boolean {
  const measured = measuredInterval(state, now, c);
  if (measured > 0 && refusal === 'throttled') {
    state.intervalMs = Math.min(c.intervalMaxMs, measured * c.limitMargin);
    state.raisedAt = now;
    state.raisedBy = refusal;
    return true;
  }
  if (now - state.raisedAt < Math.max(c.intervalRaiseMs, state.intervalMs / 2)) return false;
  state.raisedBy = refusal;
  const rate = startRate(state, now, c);
  const growth = refusal === 'throttled' ? c.intervalThrottled : c.intervalDenied;
  // A rare target's requests do not go round all endpoints: taken over all of them its first interval would be minutes.
  const first = Math.min(c.intervalFirstMaxMs, (c.intervalShare * Math.max(1, active)) / rate);
  return setInterval(state, state.intervalMs > 0 ? state.intervalMs * growth : first, now, c);
}

/**
 * The refusal stopped everybody, or the next one may: slower at once. How much slower is told by how often the refused
 * endpoint had been used, or else by how long the pace went well: what is a little too fast empties a bucket late.
 */
export function keepClear(
  state: TargetState,
  refusal: Refusal,
  row: Row,
  active: number,
  now: number,
  c: EtsConstants,
): boolean {
  // Answers to what had been sent before say nothing of the pace since.
  const quietMs = refusal === 'denied' ? Math.max(c.intervalRaiseMs, state.intervalMs / 2) : c.graveRaiseMs;
  if (now - state.raisedAt < quietMs) return false;
  const natural = Math.min(c.intervalFirstMaxMs, Math.max(1, active) / startRate(state, now, c));
  const present = state.intervalMs || natural;
  state.kept = true;
  state.raisedBy = refusal;
  if (refusal === 'denied') {
    // What is denied at any pace, as a page for members is, must not stop the rest.
    return setInterval(state, Math.max(state.intervalMs, Math.min(c.graveDeniedMost, c.graveDenied * present)), now, c);
  }
  state.leastMs = Number.POSITIVE_INFINITY;
  const { ms, leastMs } = state.usage === undefined ? NOTHING : countedAt(state.usage, row, now, state.intervalMs, c);
  if (ms > 0) {
    state.leastMs = c.graveMargin * leastMs;
    const most = (state.intervalMs > 0 ? c.graveMost : c.graveFirstMost) * present;
    // The pace that was refused was too fast, whatever is counted; what was natural before there was one may not have been.
    return setInterval(state, Math.min(most, c.graveMargin * Math.max(state.intervalMs, ms)), now, c);
  }
  const share = 1 - (c.graveBurst * present) / (now - state.resumedAt);
  return setInterval(state, Math.min(c.graveMost, c.graveMargin / Math.max(0.01, share)) * present, now, c);
}

const NOTHING: Counted = { ms: 0, leastMs: 0 };

function setInterval(state: TargetState, next: number, now: number, c: EtsConstants): boolean {
  if (!(next > c.intervalOffMs)) return false;
  state.intervalMs = Math.min(c.intervalMaxMs, next);
  state.raisedAt = now;
  return true;
}

/** A success lets the target go a little faster. */
export function relaxInterval(state: TargetState, now: number, c: EtsConstants): void {
  const floor = measuredInterval(state, now, c) * c.limitFloor;
  const next = Math.max(state.intervalMs * relaxation(state, now, c), Math.min(floor, state.intervalMs));
  state.relaxedAt = now;
  state.intervalMs = next < c.intervalOffMs ? 0 : next;
}

/**
 * A target that counts is followed by what it lets through. Bans are counted in time: a popular target has many successes
 * between two of them and a rare one few, and it is by the time that the pace comes back. Where refusals stop everybody
 * it comes back to what the last one leaves possible, and after denials until so few in a hundred are refused.
 */
function relaxation(state: TargetState, now: number, c: EtsConstants): number {
  const since = now - Math.max(state.raisedAt, state.relaxedAt);
  if (state.raisedBy === 'throttled') {
    if (!state.kept) return c.intervalDecay;
    return Math.max(Math.min(1, state.leastMs / state.intervalMs), fadeOver(since, c.limitTauMs));
  }
  if (state.kept) {
    // A limit that a 429 told of stands, whatever was denied since.
    const least = Number.isFinite(state.leastMs) ? state.leastMs / state.intervalMs : 0;
    return Math.max(Math.min(1, least), c.graveDenied ** -c.graveShare);
  }
  // Slower where it is long: else what must be left alone for long would be forgotten between two uses.
  return fadeOver(since, Math.max(c.deniedTauMs, c.deniedIntervals * state.intervalMs));
}

/** The interval that the target's own limit comes to, while enough of it is known; else 0. */
function measuredInterval(state: TargetState, now: number, c: EtsConstants): number {
  if (state.letThrough * fadeOver(now - state.letAt, c.limitTauMs) < c.limitSamples) return 0;
  return state.letThroughMs / state.letThrough;
}

import type { EtsConstants } from './defaults.js';
import { fadeOver } from './estimate.js';
import type { Fact } from './fact.js';
import { startRate, type TargetState } from './targets.js';

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
  grave: boolean,
  /** The limit that the uses of the refused pair come to, or 0. */
  countedMs: number,
  active: number,
  now: number,
  c: EtsConstants,
): boolean {
  const measured = measuredInterval(state, now, c);
  if (grave) return keepClear(state, refusal, countedMs, Math.max(1, active), now, c);
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
 * The refusal stopped everybody, or the next one may: slower at once, and hardly ever faster again. How much slower is told
 * by the uses of the refused pair, or by how long the pace went well: what is a little too fast empties a bucket late.
 */
function keepClear(
  state: TargetState,
  refusal: Refusal,
  countedMs: number,
  active: number,
  now: number,
  c: EtsConstants,
): boolean {
  // Answers to what had been sent before say nothing of the pace since.
  if (now - state.raisedAt < c.graveRaiseMs) return false;
  const present = state.intervalMs || Math.min(c.intervalFirstMaxMs, active / startRate(state, now, c));
  state.kept = true;
  state.raisedBy = refusal;
  if (refusal === 'throttled' && countedMs > 0) {
    const most = c.graveMost * present;
    return setInterval(state, Math.min(most, c.graveMargin * Math.max(present, countedMs)), now, c);
  }
  const wentWell = now - state.resumedAt;
  const share = 1 - (c.graveBurst * present) / wentWell;
  const growth = refusal === 'denied' ? c.graveDenied : Math.min(c.graveMost, c.graveMargin / Math.max(0.01, share));
  return setInterval(state, growth * present, now, c);
}

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
 * between two of them and a rare one few, and it is by the time that the pace comes back.
 */
function relaxation(state: TargetState, now: number, c: EtsConstants): number {
  if (state.raisedBy === 'throttled') return state.kept ? 1 : c.intervalDecay;
  const since = Math.max(state.raisedAt, state.relaxedAt);
  // Slower where it is long: else what must be left alone for long would be forgotten between two uses.
  const tau = Math.max(state.kept ? c.graveTauMs : c.deniedTauMs, c.deniedIntervals * state.intervalMs);
  return fadeOver(now - since, tau);
}

/** The interval that the target's own limit comes to, while enough of it is known; else 0. */
function measuredInterval(state: TargetState, now: number, c: EtsConstants): number {
  if (state.letThrough * fadeOver(now - state.letAt, c.limitTauMs) < c.limitSamples) return 0;
  return state.letThroughMs / state.letThrough;
}

import type { EtsConstants } from './defaults.js';

/** How much of an ambiguous failure is the endpoint's, when either of two causes is enough (noisy-or). */
export function sharedBlame(endpointFails: number, targetFails: number): number {
  return endpointFails / (endpointFails + targetFails - endpointFails * targetFails);
}

/** The chance that a target fails an attempt, from its own counters. */
export function targetFailureRate(success: number, failure: number, c: EtsConstants): number {
  return (failure + c.targetPriorFailures) / (success + failure + c.targetPriorAttempts);
}

/** The chance that an attempt will never be answered which has been silent for longer than all but `slow` of the answers. */
export function lateBlame(rate: number, hangs: number, slow: number): number {
  const never = (1 - rate) * hangs;
  return never / (never + rate * slow);
}

/**
 * The chance that a connect fault of a proven endpoint that carries others too was load rather than death. What is too
 * full refuses one and carries the next: after each failure in a row load is a quarter as likely.
 */
export function loadShare(rate: number, atLimit: boolean, misses: number, c: EtsConstants): number {
  const load = (atLimit ? c.loadOddsAtLimit : c.loadOdds) * c.loadFade ** misses;
  return load / (load + 1 - rate);
}

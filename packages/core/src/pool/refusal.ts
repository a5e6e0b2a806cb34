import { FairleadError } from '../errors.js';
import type { Instant } from '../ports/clock.js';

/** Why a run gets nothing now: when to ask again, or an error when asking is hopeless. */
export interface Refusal {
  readonly retryAt: Instant;
  readonly error?: FairleadError;
  /** What was in the way: no free place, a rate or a pause that has to be kept, or endpoints that rest. */
  readonly why?: 'noPermit' | 'rateLimit' | 'cooldown';
  /** The target is in the way: it is suspended, or taken to be down. */
  readonly parked?: true;
  /** Not one endpoint could carry it. */
  readonly nobody?: true;
}

export const ONLY_A_RELEASE: Refusal = Object.freeze({ retryAt: Number.POSITIVE_INFINITY, why: 'noPermit' });

/** Never the present moment: whoever was refused just now is asked again a little later, not in a hot loop. */
export function later(at: Instant, now: Instant): Instant {
  return Math.max(at, now + 1);
}

export function lateError(): FairleadError {
  return new FairleadError('DEADLINE_EXCEEDED', 'no proxy became free before the deadline');
}

export function unansweredError(cause: unknown): FairleadError {
  return new FairleadError('DEADLINE_EXCEEDED', 'the request was not answered before its deadline', { cause });
}

export function unusableError(cause: Error): FairleadError {
  return cause instanceof FairleadError
    ? cause
    : new FairleadError('STORE_UNUSABLE', 'the store failed to open', { cause });
}

export function closedError(): FairleadError {
  return new FairleadError('POOL_CLOSED', 'the pool is closed');
}

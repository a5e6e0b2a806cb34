import { PoolExhaustedError, TargetSuspendedError } from '../errors.js';
import type { RankQuery } from '../kernel/query.js';
import type { Instant } from '../ports/clock.js';
import type { Dispatcher } from './dispatcher.js';
import { later, type Refusal } from './refusal.js';
import type { Run } from './run.js';

/** The target is left alone: wait for its end where that comes in time, else hear of it now. */
export function refusedBySuspension(run: Run, until: Instant, now: Instant): Refusal {
  if (until < run.waitsUntil) return { retryAt: until, why: 'rateLimit', parked: true };
  return { retryAt: until, why: 'rateLimit', error: new TargetSuspendedError(run.target, until - now) };
}

/** There are candidates, and the hard limits allow none of them. */
export function refusedByLimits(retryAt: Instant, now: Instant): Refusal {
  const why = retryAt === Number.POSITIVE_INFINITY ? 'noPermit' : 'rateLimit';
  return { retryAt: later(retryAt, now), why };
}

/** Not one endpoint can carry the run now: when that may change, or that it never will. */
export function refusedForWant(dispatcher: Dispatcher, run: Run, query: RankQuery): Refusal {
  const { members, inFlight } = dispatcher;
  const { now } = query;
  if (!members.couldServe(run)) return { retryAt: now, nobody: true, error: exhausted(dispatcher, run) };
  const retryAt =
    run.request.endpoint === undefined ? anyOpensAt(dispatcher, query) : forcedOpensAt(dispatcher, run, query);
  const why = wantOf(dispatcher, retryAt);
  // Nothing is out that could come back, and nothing ends before the deadline: waiting would change nothing.
  if (inFlight === 0 && retryAt >= run.waitsUntil) {
    return { retryAt, why, nobody: true, error: exhausted(dispatcher, run, retryAt - now) };
  }
  const refusal = { retryAt: later(retryAt, now), why, nobody: true } as const;
  return dispatcher.kernel.breakerOpen(query.target) ? { ...refusal, parked: true } : refusal;
}

function anyOpensAt({ kernel, members }: Dispatcher, query: RankQuery): Instant {
  return Math.min(kernel.waitUntil(query), members.quotas.opensAt(query.now));
}

/** The one endpoint that the run may use: what is in its way decides, whatever the others wait for. */
function forcedOpensAt({ kernel, members }: Dispatcher, run: Run, query: RankQuery): Instant {
  const row = members.roster.rowOf(run.request.endpoint!);
  return row === undefined ? Number.POSITIVE_INFINITY : members.opensAtOf(row, kernel, query);
}

function wantOf({ kernel }: Dispatcher, retryAt: Instant): Refusal['why'] & string {
  if (retryAt === Number.POSITIVE_INFINITY) return 'noPermit';
  const { fleet, due } = kernel.state;
  return fleet.present === due.size || retryAt === kernel.nextEventAt() ? 'cooldown' : 'rateLimit';
}

function exhausted(dispatcher: Dispatcher, run: Run, retryAfterMs?: number): PoolExhaustedError {
  const counts: Record<string, number> = {};
  const { query } = dispatcher.ask(run);
  for (const [, row] of dispatcher.roster) {
    const why = dispatcher.members.eligibility(row, query);
    counts[why] = (counts[why] ?? 0) + 1;
  }
  return new PoolExhaustedError(run.target, counts, retryAfterMs);
}

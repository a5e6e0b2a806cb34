import type { Outcome, Verdict } from '../outcome.js';
import type { Target } from '../target.js';
import type { Emitter } from './events.js';
import type { Lease } from './lease.js';

/** A lease was given out. The hot path makes no payload for nobody. */
export function tellLeased(events: Emitter, { id, endpoint, target, parts: { session } }: Lease): void {
  if (events.has('leased')) events.emit('leased', { leaseId: id, endpoint: endpoint.id, target, session });
}

/** What an attempt came to, on the lease's own target or on one that was observed under it. */
export function tellSettled(
  events: Emitter,
  { id, endpoint, parts: { session, requestId, attempt } }: Lease,
  { at, target, outcome, verdict, suspended }: Told,
): void {
  if (!events.has('settled')) return;
  events.emit('settled', {
    at: at(),
    leaseId: id,
    requestId,
    attempt,
    endpoint: endpoint.id,
    target,
    session,
    outcome,
    verdict,
    suspended,
  });
}

interface Told {
  readonly at: () => number;
  readonly target: Target;
  readonly outcome: Outcome;
  readonly verdict: Verdict;
  readonly suspended: boolean;
}

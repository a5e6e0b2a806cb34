import type { EndpointId } from '../endpoint.js';
import { FairleadError } from '../errors.js';
import type { Outcome, Verdict } from '../outcome.js';
import { classify } from '../policy/classify.js';
import type { Policy } from '../policy/presets.js';
import type { Instant } from '../ports/clock.js';
import type { Target } from '../target.js';
import type { Lease } from './lease.js';
import { isIdempotent, type LeaseRequest } from './request.js';

/** What to do after an attempt. */
export type Decision =
  | { readonly kind: 'done' }
  /** Nothing had been sent: costs no attempt. */
  | { readonly kind: 'reroute' }
  /** The target may have seen it: counts as an attempt. */
  | { readonly kind: 'replay' }
  | { readonly kind: 'give-up'; readonly error: FairleadError };

/** What a run needs of its pool. */
export interface RunHost {
  lease(run: Run): Promise<Lease>;
  /** True while an endpoint that this run has not tried could carry it. */
  hasUntried(run: Run): boolean;
  readonly policy: Policy;
}

/** One request of the user's: what was tried, and what may still be. */
export class Run {
  readonly request: LeaseRequest;
  readonly target: Target;
  readonly deadline: Instant;
  /** In order; an endpoint that was tried is not tried again. */
  readonly tried = new Set<EndpointId>();
  readonly #host: RunHost;
  readonly #policy: Policy;
  #attempts = 0;
  #reroutes = 0;

  constructor(host: RunHost, request: LeaseRequest, target: Target, deadline: Instant) {
    this.#host = host;
    // A run keeps the policy it began with, whatever is changed meanwhile.
    this.#policy = host.policy;
    this.request = request;
    this.target = target;
    this.deadline = deadline;
  }

  /** Attempts of which the target may have seen something. */
  get attempts(): number {
    return this.#attempts;
  }

  get reroutes(): number {
    return this.#reroutes;
  }

  /** The next endpoint, at once or when there is room; rejects at the deadline or when nothing is left to try. */
  async next(): Promise<Lease> {
    const lease = await this.#host.lease(this);
    this.tried.add(lease.endpoint.id);
    return lease;
  }

  /** Settles the lease and says how to go on. */
  report(lease: Lease, outcome: Outcome): Decision {
    lease.settle(outcome);
    if (outcome.kind === 'failure' && outcome.sent === 'nothing' && outcome.fault !== 'caller')
      return this.#reroute(outcome);
    this.#attempts += 1;
    if (!wantsReplay(outcome, classify(outcome))) return { kind: 'done' };
    const allowed = this.#attempts < this.#policy.retry.maxAttempts && isIdempotent(this.request);
    return allowed && this.#host.hasUntried(this) ? { kind: 'replay' } : { kind: 'done' };
  }

  #reroute(outcome: Outcome & { kind: 'failure' }): Decision {
    this.#reroutes += 1;
    if (this.#host.hasUntried(this)) return { kind: 'reroute' };
    const problem = `${this.tried.size} tried for ${this.target}, last failed with ${outcome.code} in ${outcome.phase}`;
    return { kind: 'give-up', error: new FairleadError('RETRIES_EXHAUSTED', problem) };
  }
}

function wantsReplay(outcome: Outcome, verdict: Verdict): boolean {
  if (outcome.kind === 'failure') return verdict !== 'abandoned';
  return verdict === 'target-fault' || verdict === 'unclear' || verdict === 'endpoint-fault';
}

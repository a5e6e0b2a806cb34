import type { EndpointId } from '../endpoint.js';
import { FairleadError } from '../errors.js';
import type { PinTerms } from '../ledger/pins.js';
import type { Outcome, Verdict } from '../outcome.js';
import type { Policy } from '../policy/presets.js';
import { pinKey, pinTerms } from '../policy/session.js';
import type { Instant } from '../ports/clock.js';
import type { Target } from '../target.js';
import type { Lease } from './lease.js';
import { isIdempotent, type LeaseRequest } from './request.js';
import type { Matcher } from './roster.js';

/** What to do after an attempt. */
export type Decision =
  | { readonly kind: 'done' }
  /** Nothing had been sent: costs no attempt. */
  | { readonly kind: 'reroute' }
  /** The target may have seen it: counts as an attempt. */
  | { readonly kind: 'replay' }
  | { readonly kind: 'give-up'; readonly error: FairleadError };

/** What a run needs of its pool. @internal */
export interface RunHost {
  /** A lease at once, or undefined. */
  tryLease(run: Run): Lease | undefined;
  lease(run: Run): Promise<Lease>;
  /** True while an endpoint that this run has not tried could carry it. */
  couldServe(run: Run): boolean;
  isSuspended(target: Target): boolean;
  classify(outcome: Outcome): Verdict;
  /** Takes one replay or hedge from the pool's budget. */
  spend(kind: 'replay' | 'hedge', run: Run): boolean;
  rerouted(run: Run): void;
  now(): Instant;
}

/** @internal */
export interface RunParts {
  readonly request: LeaseRequest;
  readonly target: Target;
  readonly deadline: Instant;
  readonly policy: Policy;
  readonly matcher: Matcher;
  /** For a lease that lasts: how long it may go without a sign of life. */
  readonly tenancyIdleMs?: number;
}

const DONE: Decision = Object.freeze({ kind: 'done' });
const REROUTE: Decision = Object.freeze({ kind: 'reroute' });
const REPLAY: Decision = Object.freeze({ kind: 'replay' });

/** One request of the user's: what was tried, and what may still be. */
export class Run {
  readonly request: LeaseRequest;
  readonly target: Target;
  readonly deadline: Instant;
  /** The policy the run began with, whatever is changed meanwhile. */
  readonly policy: Policy;
  /** In order; an endpoint that was tried is not tried again, unless it is the one its session keeps. */
  readonly tried = new Set<EndpointId>();
  /** @internal */
  readonly matcher: Matcher;
  /** @internal The ledger's key of the session. */
  readonly session: string | undefined;
  /** @internal Set where the lease is to last: it is never given up for its slowness. */
  readonly tenancyIdleMs: number | undefined;
  /** @internal Endpoints to leave to others while others can serve. */
  avoid: readonly EndpointId[];
  readonly #host: RunHost;
  readonly #open = new Set<Lease>();
  #attempts = 0;
  #reroutes = 0;
  #hedges = 0;

  /** @internal */
  constructor(host: RunHost, { request, target, deadline, policy, matcher, tenancyIdleMs }: RunParts) {
    this.#host = host;
    this.request = request;
    this.target = target;
    this.deadline = deadline;
    this.policy = policy;
    this.matcher = matcher;
    this.tenancyIdleMs = tenancyIdleMs;
    const kept = request.session !== undefined && policy.session.keep !== 'request';
    this.session = kept ? pinKey(request.session!, target, policy.session) : undefined;
    this.avoid = this.session === undefined ? (request.avoid ?? []) : [];
  }

  /** Attempts of which the target may have seen something. */
  get attempts(): number {
    return this.#attempts;
  }

  get reroutes(): number {
    return this.#reroutes;
  }

  get attemptTimeoutMs(): number {
    return this.request.attemptTimeoutMs ?? this.policy.attemptTimeoutMs;
  }

  /** @internal Asks for nothing particular, so that one answer holds for all such runs of a target. */
  get isPlain(): boolean {
    const { tags, endpoint, exclude } = this.request;
    const narrowed = tags !== undefined || endpoint !== undefined || exclude !== undefined || this.avoid.length > 0;
    return this.session === undefined && !narrowed;
  }

  /** @internal */
  get pinTerms(): PinTerms {
    return pinTerms(this.policy.session);
  }

  /** The next endpoint, at once or when there is room; rejects at the deadline or when nothing is left to try. */
  async next(): Promise<Lease> {
    return this.#begun(await this.#host.lease(this));
  }

  /** The next endpoint if there is one at once. */
  tryNext(): Lease | undefined {
    const lease = this.#host.tryLease(this);
    return lease === undefined ? undefined : this.#begun(lease);
  }

  /** How long to wait before a second attempt beside this lease's; Infinity is never. */
  hedgeAfterMs(lease: Lease): number {
    const { hedge } = this.policy;
    if (hedge.perAttempt === 0 || this.#hedges >= hedge.maxPerRequest || this.session !== undefined)
      return Number.POSITIVE_INFINITY;
    return this.#maySendTwice() ? lease.parts.hedgeAfterMs : Number.POSITIVE_INFINITY;
  }

  /** A second attempt beside the first, if the budget has one and an endpoint is free. */
  tryHedge(): Lease | undefined {
    if (!this.#host.couldServe(this) || !this.#host.spend('hedge', this)) return undefined;
    this.#hedges += 1;
    return this.tryNext();
  }

  /**
   * Whether the policy would have the request sent again after this answer: asked at its head, by who must hold a body back
   * until then. Changes nothing; `report` decides.
   */
  mayRepeat(outcome: Outcome): boolean {
    const { retry } = this.policy.verdicts[this.#host.classify(outcome)];
    if (retry === 'never' || !this.#maySendTwice() || this.#attempts + 1 >= this.#maxAttempts) return false;
    return !this.#host.isSuspended(this.target) && (retry === 'same' || this.#host.couldServe(this));
  }

  /** The head of an answer goes to the caller: nothing is sent again. The lease is settled when the body ends. */
  delivered(): void {
    this.#attempts += 1;
  }

  /** Settles the lease and says how to go on. */
  report(lease: Lease, outcome: Outcome): Decision {
    // A lease of another run, or one that was reported before, decides nothing here.
    if (!this.#open.delete(lease)) return DONE;
    lease.settle(outcome);
    const seen = lease.outcome ?? outcome;
    const action = this.policy.verdicts[lease.verdict ?? 'abandoned'];
    if (seen.kind === 'failure' && seen.sent === 'nothing') {
      return action.retry === 'never' ? DONE : this.#reroute(lease, seen);
    }
    this.#attempts += 1;
    if (action.retry === 'never' || !this.#maySendTwice() || this.#attempts >= this.#maxAttempts) return DONE;
    if (this.#host.now() >= this.deadline || this.#host.isSuspended(this.target)) return DONE;
    this.#mayKeep(lease, action.retry === 'same' || action.pin === 'keep');
    if (!this.#host.couldServe(this)) return DONE;
    return this.#host.spend('replay', this) ? REPLAY : DONE;
  }

  /** @internal False when there was nobody to avoid. */
  dropAvoid(): boolean {
    if (this.avoid.length === 0) return false;
    this.avoid = [];
    return true;
  }

  get #maxAttempts(): number {
    return this.request.maxAttempts ?? this.policy.retry.maxAttempts;
  }

  #begun(lease: Lease): Lease {
    this.tried.add(lease.endpoint.id);
    this.#open.add(lease);
    return lease;
  }

  #maySendTwice(): boolean {
    return isIdempotent(this.request);
  }

  /** A session goes on through the exit it keeps: for it, that one is not "tried". */
  #mayKeep(lease: Lease, keeps: boolean): void {
    if (keeps && this.session !== undefined) this.tried.delete(lease.endpoint.id);
  }

  #reroute(lease: Lease, outcome: Outcome & { kind: 'failure' }): Decision {
    this.#reroutes += 1;
    if (this.#host.now() >= this.deadline) return DONE;
    const kept = this.session !== undefined && this.policy.verdicts[lease.verdict ?? 'abandoned'].pin === 'keep';
    // A tunnel that failed for reasons unclear may be tried once more through the session's exit, and once only.
    this.#mayKeep(lease, kept && this.#reroutes === 1);
    if (this.#host.couldServe(this)) {
      this.#host.rerouted(this);
      return REROUTE;
    }
    const problem = `${this.#reroutes + this.#attempts} tried for ${this.target}, the last failed with ${outcome.code} in ${outcome.phase}`;
    return { kind: 'give-up', error: new FairleadError('RETRIES_EXHAUSTED', problem) };
  }
}

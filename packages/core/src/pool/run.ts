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

/** Why a further attempt is sent. */
export type Again = 'reroute' | 'replay' | 'hedge' | 'race';

/** What a run needs of its pool. @internal */
export interface RunHost {
  /** A lease at once, or undefined. */
  tryLease(run: Run): Lease | undefined;
  /** Where the store is shared: a lease if there is one without waiting in line. */
  readonly askLease: ((run: Run) => Promise<Lease | undefined>) | undefined;
  /** The same or, where there is none, one when there is room. */
  lease(run: Run): Lease | Promise<Lease>;
  /** True while an endpoint that this run has not tried could carry it. */
  couldServe(run: Run): boolean;
  isSuspended(target: Target): boolean;
  classify(outcome: Outcome): Verdict;
  /** Whether the pool's budget has a replay or a hedge left. */
  affords(kind: 'replay' | 'hedge'): boolean;
  /** A further attempt has its lease: it is paid for, counted and told of now, and not when it was only allowed. */
  sentAgain(kind: Again, run: Run): void;
  /** How many paths are enough to be nearly sure of one good answer from the target; at most `most`. */
  pathsFor(target: Target, most: number): number;
  /** The request has come to its end, with an answer or without. */
  ended(answered: boolean): void;
  now(): Instant;
}

/** @internal */
export interface RunParts {
  readonly request: LeaseRequest;
  readonly target: Target;
  readonly deadline: Instant;
  readonly policy: Policy;
  readonly matcher: Matcher;
  /** Tells the requests of a pool apart. */
  readonly id: number;
  /** Exits that its session has had lately and is not to have again. */
  readonly stale: readonly EndpointId[];
  /** Asked for one lease, which its caller settles. */
  readonly single?: boolean | undefined;
  /** For a lease that lasts: how long it may go without a sign of life. */
  readonly tenancyIdleMs?: number | undefined;
}

const DONE: Decision = Object.freeze({ kind: 'done' });
const REROUTE: Decision = Object.freeze({ kind: 'reroute' });
const REPLAY: Decision = Object.freeze({ kind: 'replay' });

/** Of runs that ask for one lease alone; never written to. */
const NOBODY = new Set<EndpointId>();
const NOTHING = new Set<Lease>();
const NO_ENDPOINTS: readonly EndpointId[] = Object.freeze([]);

/** One request of the user's: what was tried, and what may still be. */
export class Run {
  readonly request: LeaseRequest;
  readonly target: Target;
  readonly deadline: Instant;
  /** The policy the run began with, whatever is changed meanwhile. */
  readonly policy: Policy;
  /** In order; an endpoint that was tried is not tried again, unless it is the one its session keeps. */
  readonly tried: ReadonlySet<EndpointId>;
  readonly #host: RunHost;
  readonly #matcher: Matcher;
  readonly #session: string | undefined;
  readonly #tried: Set<EndpointId>;
  readonly #open: Set<Lease>;
  readonly #single: boolean;
  readonly #tenancyIdleMs: number | undefined;
  #avoid: readonly EndpointId[];
  /** What the last report allowed and no lease has been taken for yet. */
  #allowed: 'reroute' | 'replay' | undefined;
  readonly #id: number;
  #attempts = 0;
  #reroutes = 0;
  #hedges = 0;
  #waitsUntil: Instant;
  #answered = false;
  #delivered = false;
  #over = false;
  #won = false;

  /** @internal */
  constructor(host: RunHost, parts: RunParts) {
    const { request, target, deadline, policy, matcher } = parts;
    this.#host = host;
    this.request = request;
    this.target = target;
    this.deadline = deadline;
    this.policy = policy;
    this.#matcher = matcher;
    this.#id = parts.id;
    this.#single = parts.single ?? false;
    this.#tried = this.#single ? NOBODY : new Set();
    this.#open = this.#single ? NOTHING : new Set();
    this.tried = this.#tried;
    this.#tenancyIdleMs = parts.tenancyIdleMs;
    this.#waitsUntil = deadline;
    const { keep, always } = policy.session;
    const kept = keep !== 'request' && (request.session !== undefined || always);
    this.#session = kept ? pinKey(request.session ?? '', target, policy.session) : undefined;
    const { avoid = NO_ENDPOINTS } = request;
    this.#avoid =
      this.#session !== undefined ? NO_ENDPOINTS : parts.stale.length > 0 ? [...parts.stale, ...avoid] : avoid;
  }

  /** @internal */
  get id(): number {
    return this.#id;
  }

  /** @internal Which attempt of the request the next one is. */
  get ordinal(): number {
    return this.#reroutes + this.#attempts + this.#open.size + 1;
  }

  /** @internal */
  get matcher(): Matcher {
    return this.#matcher;
  }

  /** @internal The ledger's key of the session. */
  get session(): string | undefined {
    return this.#session;
  }

  /** @internal One lease was asked for, and its caller settles it. */
  get single(): boolean {
    return this.#single;
  }

  /** @internal Set where the lease is to last: it is never given up for its slowness. */
  get tenancyIdleMs(): number | undefined {
    return this.#tenancyIdleMs;
  }

  /** @internal When the present wait for a lease ends, whatever the deadline. */
  get waitsUntil(): Instant {
    return this.#waitsUntil;
  }

  /** @internal Endpoints to leave to others while others can serve. */
  get avoid(): readonly EndpointId[] {
    return this.#avoid;
  }

  /** @internal Attempts that came to nothing; those still out beside one another have not. */
  get failures(): number {
    return this.#tried.size - this.#open.size;
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

  get bodyDeadlineMs(): number {
    return this.request.bodyDeadlineMs ?? this.policy.bodyDeadlineMs;
  }

  /** @internal Asks for nothing particular, so that one answer holds for all such runs of a target. */
  get isPlain(): boolean {
    const { endpoint, exclude, strategy } = this.request;
    const words = this.#matcher.words.length > 0;
    const narrowed =
      words || endpoint !== undefined || exclude !== undefined || strategy !== undefined || this.#avoid.length > 0;
    return this.#session === undefined && !narrowed;
  }

  /** @internal */
  get pinTerms(): PinTerms {
    return pinTerms(this.policy.session);
  }

  /** The next endpoint, at once or when there is room; rejects at the deadline or when nothing is left to try. */
  async next(): Promise<Lease> {
    return this.take();
  }

  /** The same for adapters: without a promise where there is a lease at once, so that the request goes out in this very turn. */
  take(): Lease | Promise<Lease> {
    this.#waitsUntil = Math.min(this.deadline, this.#host.now() + this.policy.maxWaitMs);
    const failed = (error: unknown): never => {
      // A single lease is counted as it is settled: where there is none, nothing else will.
      if (this.#single) this.#host.ended(false);
      else this.#end();
      throw error;
    };
    try {
      const lease = this.#host.lease(this);
      if (!(lease instanceof Promise)) return this.#begun(lease, this.#allowed);
      return lease.then((late) => this.#begun(late, this.#allowed)).catch(failed);
    } catch (error) {
      return Promise.reject(error).catch(failed);
    }
  }

  /** The next endpoint if there is one at once. */
  tryNext(): Lease | undefined {
    return this.#tryBegin(this.#allowed);
  }

  /** How long to wait before a second attempt beside this lease's; Infinity is never. */
  hedgeAfterMs(lease: Lease): number {
    const { hedge } = this.policy;
    if (hedge.perAttempt === 0 || this.#hedges >= hedge.maxPerRequest) return Number.POSITIVE_INFINITY;
    return this.#mayHaveCompany() ? lease.parts.hedgeAfterMs : Number.POSITIVE_INFINITY;
  }

  /** How many attempts the policy would have out at once from the start; 1 where nothing may be sent twice. */
  get raceWidth(): number {
    const { paths, adaptive } = this.policy.race;
    if (paths === 1 || !this.#mayHaveCompany()) return 1;
    return adaptive ? this.#host.pathsFor(this.target, paths) : paths;
  }

  /**
   * One attempt more beside those that are out, if an endpoint is free at once and the policy and its budget allow it: of a
   * race until it is wide enough, or a hedge. A promise where the store is shared. Cancel those that lose.
   */
  beside(why: 'hedge' | 'race'): Lease | undefined | Promise<Lease | undefined> {
    if (!this.#mayBeside(why)) return undefined;
    const { askLease } = this.#host;
    if (askLease !== undefined) return this.#askBeside(askLease, why);
    const lease = this.#tryBegin(why);
    if (lease !== undefined && why === 'hedge') this.#hedges += 1;
    return lease;
  }

  async #askBeside(ask: (run: Run) => Promise<Lease | undefined>, why: 'hedge' | 'race'): Promise<Lease | undefined> {
    const lease = await ask(this);
    if (lease === undefined) return undefined;
    if (why === 'hedge') this.#hedges += 1;
    return this.#begun(lease, why);
  }

  #mayBeside(why: 'hedge' | 'race'): boolean {
    if (why === 'race') return this.#open.size < this.raceWidth;
    return this.#mayHaveCompany() && this.#host.couldServe(this) && this.#host.affords('hedge');
  }

  /**
   * Whether the policy would have the request sent again after this answer: asked at its head, by who must hold a body back
   * until then. Changes nothing; `report` decides.
   */
  mayRepeat(outcome: Outcome): boolean {
    const { retry } = this.policy.verdicts[this.#host.classify(outcome)];
    if (retry === 'never' || this.#delivered || !this.#maySendTwice() || this.#attempts + 1 >= this.#maxAttempts)
      return false;
    return !this.#host.isSuspended(this.target) && (retry === 'same' || this.#host.couldServe(this));
  }

  /** The head of an answer goes to the caller: nothing is sent again. The lease is settled when the body ends. */
  delivered(): void {
    this.#attempts += 1;
    this.#answered = true;
    this.#delivered = true;
    this.#end();
  }

  /** Settles the lease and says how to go on. What it allows is paid for when the next lease is taken, so that it can be declined. */
  report(lease: Lease, outcome: Outcome): Decision {
    // A lease of another run, or one that was reported before, decides nothing here.
    if (!this.#open.delete(lease)) return DONE;
    if (this.#won) lease.lose();
    // What fails once its caller has gone is nobody's fault.
    const called = outcome.kind === 'failure' && isCalledOff(this.request.signal);
    lease.settle(called ? { kind: 'abandoned', elapsedMs: outcome.elapsedMs } : outcome);
    const decision = this.#decide(lease, lease.outcome ?? outcome);
    const again = decision.kind === 'reroute' || decision.kind === 'replay';
    const good = lease.verdict === 'success' || lease.verdict === 'final';
    this.#won ||= good;
    // In a race the first good answer ends it; those beside it are told to stop.
    if (!again && (good || this.#open.size === 0)) this.#end();
    return decision;
  }

  /** For who declines what `report` allowed, as where the body of the request is gone: the request is counted as ended. */
  end(): void {
    this.#end();
  }

  #decide(lease: Lease, seen: Outcome): Decision {
    this.#answered ||= seen.kind === 'response';
    // The caller has the head of an answer: whatever happens to its body, another would be a second one.
    if (this.#delivered) return DONE;
    // Who has called it off wants no more of it.
    if (this.request.signal?.aborted === true) return DONE;
    const action = this.policy.verdicts[lease.verdict ?? 'abandoned'];
    if (seen.kind === 'failure' && seen.sent === 'nothing') {
      return action.retry === 'never' ? DONE : this.#reroute(lease, seen);
    }
    this.#attempts += 1;
    if (action.retry === 'never' || !this.#maySendTwice() || this.#attempts >= this.#maxAttempts) return DONE;
    if (this.#host.now() >= this.deadline || this.#host.isSuspended(this.target)) return DONE;
    this.#mayKeep(lease, action.retry === 'same' || action.pin === 'keep');
    if (!this.#host.couldServe(this) || !this.#host.affords('replay')) return DONE;
    this.#allowed = 'replay';
    return REPLAY;
  }

  /** @internal False when there was nobody to avoid. */
  dropAvoid(): boolean {
    if (this.#avoid.length === 0) return false;
    this.#avoid = NO_ENDPOINTS;
    return true;
  }

  /** Once, however many of its attempts come back after it. */
  #end(): void {
    if (this.#over || this.#single) return;
    this.#over = true;
    this.#host.ended(this.#answered);
  }

  get #maxAttempts(): number {
    return this.request.maxAttempts ?? this.policy.retry.maxAttempts;
  }

  #tryBegin(why: Again | undefined): Lease | undefined {
    if (this.request.signal?.aborted === true) return undefined;
    const lease = this.#host.tryLease(this);
    return lease === undefined ? undefined : this.#begun(lease, why);
  }

  #begun(lease: Lease, why: Again | undefined): Lease {
    // Who asks for one lease alone settles it himself, and nothing follows.
    if (this.#single) return lease;
    this.#tried.add(lease.endpoint.id);
    this.#open.add(lease);
    this.#allowed = undefined;
    if (why !== undefined) this.#host.sentAgain(why, this);
    return lease;
  }

  #maySendTwice(): boolean {
    return isIdempotent(this.request);
  }

  /** Whether a further attempt may go out beside those that are: a session has one exit, and so has who names it. */
  #mayHaveCompany(): boolean {
    if (this.#session !== undefined || this.request.endpoint !== undefined) return false;
    return this.#maySendTwice() && this.#attempts + this.#open.size < this.#maxAttempts;
  }

  /** A session goes on through the exit it keeps: for it, that one is not "tried". */
  #mayKeep(lease: Lease, keeps: boolean): void {
    if (keeps && this.#session !== undefined) this.#tried.delete(lease.endpoint.id);
  }

  #reroute(lease: Lease, outcome: Outcome & { kind: 'failure' }): Decision {
    this.#reroutes += 1;
    if (this.#host.now() >= this.deadline) return DONE;
    const kept = this.#session !== undefined && this.policy.verdicts[lease.verdict ?? 'abandoned'].pin === 'keep';
    // A tunnel that failed for reasons unclear may be tried once more through the session's exit, and once only.
    this.#mayKeep(lease, kept && this.#reroutes === 1);
    if (this.#host.couldServe(this)) {
      // What is sent next makes up for a replay too, where one was allowed beside this attempt.
      this.#allowed ??= 'reroute';
      return REROUTE;
    }
    const problem = `${this.#reroutes + this.#attempts} tried for ${this.target}, the last failed with ${outcome.code} in ${outcome.phase}`;
    return { kind: 'give-up', error: new FairleadError('RETRIES_EXHAUSTED', problem) };
  }
}

/** A signal that has timed out is a bound of the client's, which whoever was too slow has run into. */
function isCalledOff(signal: AbortSignal | undefined): boolean {
  const { name }: { name?: unknown } = Object(signal?.reason);
  return signal?.aborted === true && name !== 'TimeoutError';
}

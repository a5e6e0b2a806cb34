import type { Endpoint } from '../endpoint.js';
import type { Row } from '../kernel/table.js';
import { checkedOutcome } from '../outcome-check.js';
import type { Outcome, Verdict } from '../outcome.js';
import type { Policy } from '../policy/presets.js';
import type { Instant } from '../ports/clock.js';
import type { Target } from '../target.js';
import type { Watched } from './live-list.js';

/** What a lease needs of its pool. */
export interface LeaseKeeper {
  now(): Instant;
  settled(lease: Lease, outcome: Outcome): Verdict;
  /** It has to be looked at earlier than before. */
  expect(lease: Lease): void;
  /** What the work throws becomes an event: a lease that ends must not keep others from ending. */
  guard(what: 'onEnd', work: () => void): void;
}

/** What a lease was granted with. */
export interface LeaseParts {
  readonly id: number;
  readonly row: Row;
  readonly endpoint: Endpoint;
  readonly target: Target;
  readonly targetIndex: number;
  readonly session: string | undefined;
  /** What the caller counts it under. */
  readonly label: string | undefined;
  /** Which request it is an attempt of, and the how-manieth. */
  readonly requestId: number;
  readonly attempt: number;
  /** It is all that its request asked for: the request ends with it. */
  readonly single: boolean;
  /** The ledger's key of the session, where it keeps an exit. */
  readonly pinKey: string | undefined;
  readonly generation: number;
  readonly first: boolean;
  readonly since: Instant;
  readonly policy: Policy;
  readonly abandonAfterMs: number;
  readonly hedgeAfterMs: number;
  /** A tenancy: what comes through it is observed, and its end says nothing. */
  readonly lasting: boolean;
  /** What the store calls the lease, where it is shared. */
  readonly sharedId: string | undefined;
  readonly idleMs: number;
  /** The longest its answer may take from the first byte to the last. */
  readonly bodyDeadlineMs: number;
}

/** Why the pool itself ended a lease; `aborted` is its caller's signal. */
export type LeaseEnd = 'abandoned' | 'idle' | 'superseded' | 'aborted' | 'closed' | 'lost';

/** The reason that `lease.signal` aborts with. */
export class LeaseEndedError extends Error {
  override readonly name = 'AbortError';
  readonly code = 'LEASE_ENDED';
  readonly why: LeaseEnd;

  constructor(why: LeaseEnd) {
    super(`the lease has ended: ${why}`);
    this.why = why;
  }
}

/** What a policy may take silence for. */
const UNREPORTED = Object.freeze({
  kind: 'failure',
  phase: 'response',
  code: 'UNREPORTED',
  sent: 'maybe',
  fault: 'endpoint',
});

/** How long after the abort an adapter may take to say what it saw, before the place returns without it. */
const GRACE_MS = 1000;

/** The right to one attempt through one endpoint; settled exactly once. */
export class Lease implements Watched {
  readonly id: number;
  readonly endpoint: Endpoint;
  readonly target: Target;
  /** When it was granted, on the pool's clock. */
  readonly since: Instant;
  /** Give the attempt up after this long without an answer: the pool aborts `signal` then. */
  readonly abandonAfterMs: number;
  readonly #parts: LeaseParts;
  #slot = -1;
  #exitChanged = false;
  #silent = true;
  #lost = false;
  #dueAt: Instant;
  /** Set by the first byte of the answer. */
  #bodyEndsAt: Instant | undefined;
  readonly #keeper: LeaseKeeper;
  #controller: AbortController | undefined;
  #gone: (() => void) | undefined;
  #onEnd: (() => void) | undefined;
  #ended: LeaseEnd | undefined;
  #outcome: Outcome | undefined;
  #verdict: Verdict | undefined;

  /** @internal */
  constructor(keeper: LeaseKeeper, parts: LeaseParts) {
    this.#keeper = keeper;
    this.#parts = parts;
    this.id = parts.id;
    this.endpoint = parts.endpoint;
    this.target = parts.target;
    this.since = parts.since;
    this.abandonAfterMs = parts.abandonAfterMs;
    this.#dueAt = parts.since + Math.min(parts.abandonAfterMs, parts.idleMs);
  }

  // What the pool keeps here is private: an inspection of a lease shows what is its holder's, and no more.

  /** @internal */
  get parts(): LeaseParts {
    return this.#parts;
  }

  /** @internal */
  get slot(): number {
    return this.#slot;
  }

  set slot(slot: number) {
    this.#slot = slot;
  }

  /** When the pool has to look at it. */
  get dueAt(): Instant {
    return this.#dueAt;
  }

  /** @internal Its session had another exit before. */
  get exitChanged(): boolean {
    return this.#exitChanged;
  }

  set exitChanged(changed: boolean) {
    this.#exitChanged = changed;
  }

  /** Aborts when the pool ends the lease: destroy what was opened for it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended !== undefined) this.#controller.abort(new LeaseEndedError(this.#ended));
    return this.#controller.signal;
  }

  get settled(): boolean {
    return this.#outcome !== undefined;
  }

  /** What it was settled with. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /**
   * Bytes of the answer moved: the attempt is alive and is not given up for its slowness any more. From the first call on
   * `bodyDeadlineMs` bounds it, and the deadline of its request does no longer.
   */
  touch(): void {
    this.#silent = false;
    if (this.#ended !== undefined) return;
    const now = this.#keeper.now();
    this.#bodyEndsAt ??= now + this.#parts.bodyDeadlineMs;
    const before = this.#dueAt;
    this.#dueAt = Math.min(now + this.#parts.idleMs, this.#bodyEndsAt);
    if (this.#dueAt < before) this.#keeper.expect(this);
  }

  /** Reports what happened and gives the place back. A second call changes nothing and answers false. */
  settle(outcome: Outcome): boolean {
    if (this.#outcome !== undefined) return false;
    const seen = checkedOutcome(outcome, this.#keeper.now() - this.since);
    this.#outcome = this.#ended === undefined ? seen : endedOutcome(this.#ended, seen);
    this.#verdict = this.#keeper.settled(this, this.#outcome);
    if (this.#ended !== undefined) this.#gone?.();
    return true;
  }

  /** @internal Its moment has come. True while it has to be watched on. */
  expire(now: Instant): boolean {
    if (this.#ended !== undefined || this.isIdle(now)) {
      this.end(this.#ended ?? 'idle');
      this.#lapse(now - this.since);
      return false;
    }
    this.end('abandoned');
    if (this.settled) return false;
    this.#dueAt = now + GRACE_MS;
    return true;
  }

  /** @internal The pool closes: whoever works on it is told, and has as long as ever to say what it saw. */
  close(now: Instant): void {
    this.end('closed');
    if (!this.settled) this.#dueAt = now + GRACE_MS;
  }

  /** @internal Tells whoever works on it to stop. Does not settle. */
  end(why: LeaseEnd): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#controller?.abort(new LeaseEndedError(why));
    if (this.#onEnd !== undefined) this.#keeper.guard('onEnd', this.#onEnd);
  }

  /** @internal Another attempt of its request was answered. */
  lose(): void {
    this.#lost = true;
  }

  /** @internal It lost when it should long have been answered itself. */
  isOvertaken(now: Instant): boolean {
    return this.#lost && this.#silent && now - this.since >= this.#parts.hedgeAfterMs;
  }

  /** @internal The pool has ended it, settled or not. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Calls back when the pool ends the lease, as a listener on `signal` is, which costs a tenth of a request. One callback. */
  onEnd(callback: () => void): void {
    this.#onEnd = callback;
    if (this.#ended !== undefined) this.#keeper.guard('onEnd', callback);
  }

  /** @internal Calls back once the pool itself has ended and settled the lease. */
  onGone(callback: () => void): void {
    this.#gone = callback;
    if (this.settled && this.#ended !== undefined) callback();
  }

  /** Unsettled means abandoned: the place returns and nobody is blamed. */
  [Symbol.dispose](): void {
    if (!this.settled) this.#lapse(this.#keeper.now() - this.since);
  }

  /** Nobody has said what became of it. */
  #lapse(elapsedMs: number): void {
    const { lasting, policy } = this.#parts;
    const blames = policy.unreported === 'failure' && !lasting && (this.#ended ?? 'idle') === 'idle';
    this.settle(blames ? { ...UNREPORTED, elapsedMs } : { kind: 'abandoned', elapsedMs });
  }

  /** @internal Whether it is the silence that ends it, rather than impatience. */
  isIdle(now: Instant): boolean {
    if (this.#bodyEndsAt !== undefined) return now < this.#bodyEndsAt;
    return now - this.since >= this.#parts.idleMs || this.#parts.abandonAfterMs > this.#parts.idleMs;
  }
}

/**
 * When the pool ended the attempt itself, its reason replaces what the adapter saw; how far the attempt had come is still
 * the adapter's to say, since nothing but that tells a reroute from a replay.
 */
function endedOutcome(why: LeaseEnd, seen: Outcome): Outcome {
  const elapsedMs = seen.kind === 'response' ? seen.latencyMs : seen.elapsedMs;
  if (why === 'idle' && seen.kind === 'failure' && seen.code === UNREPORTED.code) return seen;
  if (why !== 'abandoned') return { kind: 'abandoned', elapsedMs };
  // The answer came in the same moment: it counts.
  if (seen.kind === 'response') return seen;
  const { phase, sent } = seen.kind === 'failure' ? seen : ({ phase: 'response', sent: 'maybe' } as const);
  return { kind: 'failure', phase, code: 'ATTEMPT_TIMEOUT', elapsedMs, sent, fault: 'unclear' };
}

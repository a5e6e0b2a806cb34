import type { Endpoint } from '../endpoint.js';
import { TargetSuspendedError } from '../errors.js';
import { checkKeys, duration, ownOptions } from '../option-check.js';
import { checkedOutcome } from '../outcome-check.js';
import type { Outcome } from '../outcome.js';
import type { Policy } from '../policy/presets.js';
import type { Instant } from '../ports/clock.js';
import type { Target } from '../target.js';
import type { Dispatcher } from './dispatcher.js';
import type { Lease } from './lease.js';

export interface TenancyOptions {
  /** A tenancy that shows no life for so long is taken back, without blame. @default 300_000 */
  readonly idleMs?: number;
}

/** The defaults of `TenancyOptions`, in one place. */
export const TENANCY_DEFAULTS = Object.freeze({ idleMs: 300_000 });

const checked = new WeakMap<TenancyOptions, number>();

/** @internal Options are checked once: a gateway asks with the same ones for each of its tunnels. */
export function tenancyIdleMs(options: TenancyOptions): number {
  const known = checked.get(options);
  if (known !== undefined) return known;
  const idleMs = readIdleMs(options);
  if (Object.isFrozen(options)) checked.set(options, idleMs);
  return idleMs;
}

function readIdleMs(options: TenancyOptions): number {
  const own = ownOptions(options, 'tenancy');
  checkKeys(own, Object.keys(TENANCY_DEFAULTS), 'tenancy');
  const { idleMs } = { ...TENANCY_DEFAULTS, ...own };
  duration(idleMs, 'tenancy.idleMs');
  return idleMs;
}

type TermsOf = (target: string | URL) => { readonly policy: Policy; readonly target: Target };

/**
 * The right to many connections through one endpoint: a lease that lasts. It holds one place there for as long as it does;
 * what its connections come to is observed as they do, each for its own target, and it is settled once.
 */
export class Tenancy {
  readonly #dispatcher: Dispatcher;
  readonly #lease: Lease;
  readonly #termsOf: TermsOf;
  /** Targets missed since the endpoint last carried anything. */
  #missed: Set<Target> | undefined;
  #carried = false;

  /** @internal */
  constructor(dispatcher: Dispatcher, lease: Lease, termsOf: TermsOf) {
    this.#dispatcher = dispatcher;
    this.#lease = lease;
    this.#termsOf = termsOf;
  }

  get endpoint(): Endpoint {
    return this.#lease.endpoint;
  }

  /** When it was granted, on the pool's clock. */
  get since(): Instant {
    return this.#lease.since;
  }

  /** Its session had another exit before. */
  get exitChanged(): boolean {
    return this.#lease.exitChanged;
  }

  /** Aborts when the pool ends the tenancy: close what was opened for it. */
  get signal(): AbortSignal {
    return this.#lease.signal;
  }

  get settled(): boolean {
    return this.#lease.settled;
  }

  /** An answer came through it. */
  get hasCarried(): boolean {
    return this.#carried;
  }

  /** The endpoint is still one to open connections through: it has not left, is not held and does not rest. */
  get isTenable(): boolean {
    return !this.#lease.ended && !this.settled && this.#dispatcher.members.isServing(this.#lease.parts.row);
  }

  /** Calls back, once at most, when the pool ends the tenancy: what `signal` says, at less cost. */
  onEnd(callback: () => void): void {
    this.#lease.onEnd(callback);
  }

  /** Bytes moved: the tenancy is alive. */
  touch(): void {
    this.#lease.touch();
  }

  /** Why nothing may go to the target now, if so. A tenancy's connections ask for no place and keep no pace. */
  refusal(target: string | URL): TargetSuspendedError | undefined {
    const { target: key } = this.#termsOf(target);
    const until = this.#dispatcher.suspendedUntil(key);
    return until > 0 ? new TargetSuspendedError(key, until - this.#dispatcher.now()) : undefined;
  }

  /** How long a connection may take to be made before it is given up: what policy and the endpoint's history allow of `timeoutMs`. */
  patienceMs(timeoutMs: number): number {
    const { row, target, policy } = this.#lease.parts;
    return this.#dispatcher.patienceMs(row, target, policy, Math.min(timeoutMs, policy.attemptTimeoutMs));
  }

  /**
   * Tells what one connection came to. `move` means: settle this and take another, for the endpoint is to blame, or it has
   * carried nothing yet, or two targets in a row could not be reached through it.
   */
  observe(outcome: Outcome, target: string | URL): 'stay' | 'move' {
    if (this.settled) return 'move';
    const terms = this.#termsOf(target);
    const seen = checkedOutcome(outcome, this.#dispatcher.now() - this.since);
    const verdict = this.#dispatcher.observed(this.#lease, seen, terms);
    if (terms.policy.verdicts[verdict].pin === 'break') return 'move';
    if (seen.kind === 'response') {
      this.#carried = true;
      this.#missed?.clear();
    }
    const unreached = verdict === 'unclear' || verdict === 'target-fault';
    if (!unreached || seen.kind !== 'failure' || seen.sent !== 'nothing') return 'stay';
    const missed = (this.#missed ??= new Set()).add(terms.target);
    return !this.#carried || missed.size > 1 ? 'move' : 'stay';
  }

  /** Gives the place back. Nothing is learned: that is what `observe` is for. A second call answers false. */
  settle(): boolean {
    return this.#lease.settle({ kind: 'abandoned', elapsedMs: this.#dispatcher.now() - this.since });
  }

  /** Settles what is not settled yet. */
  [Symbol.dispose](): void {
    this.settle();
  }
}

import type { Endpoint, Outcome, Pool, Tenancy } from '@fairlead/core';
import { dialTimeOf } from './dial-time.js';
import type { Holding, Seat } from './holding.js';

/** For so long a target that was reached is taken to be there: who cannot reach it is to blame himself. */
const FRESH_MS = 60_000;
const NEARLY_MS = 1000;
/** Targets that are remembered at once. */
const MOST_TARGETS = 1000;

/** What exits said of targets that they made no tunnel to, and what has shown since who was to blame. One for a gateway. */
export class Hearsay {
  readonly #carried = new WeakSet<Endpoint>();
  /** The target that was missed through an exit since it carried anything. */
  readonly #missed = new WeakMap<Endpoint, string>();
  readonly #reached = new Map<string, number>();

  /** The target was reached through the exit. */
  reached(endpoint: Endpoint, { host }: URL): void {
    const now = performance.now();
    this.#missed.delete(endpoint);
    if (!this.#carried.has(endpoint)) this.#carried.add(endpoint);
    // Most targets are reached again and again: a moment that is nearly the same is not written down anew.
    if (now - (this.#reached.get(host) ?? -Infinity) < NEARLY_MS) return;
    this.#reached.delete(host);
    this.#reached.set(host, now);
    const [oldest] = this.#reached.keys();
    if (this.#reached.size > MOST_TARGETS && oldest !== undefined) this.#reached.delete(oldest);
  }

  hasCarried(endpoint: Endpoint): boolean {
    return this.#carried.has(endpoint);
  }

  /** Whether a failure says something of its exit by itself. That a target was missed does so where the target is there, or is the second. */
  isPlain(endpoint: Endpoint, outcome: Outcome, { host }: URL): boolean {
    if (!isMiss(outcome)) return true;
    if (performance.now() - (this.#reached.get(host) ?? -Infinity) < FRESH_MS) return true;
    const earlier = this.#missed.get(endpoint);
    if (earlier !== undefined && earlier !== host) return true;
    this.#missed.set(endpoint, host);
    return false;
  }
}

/** So many exits in a row that have never carried anything are believed, too. */
const MOST_STRANGERS = 16;

interface SearchTerms {
  readonly hearsay: Hearsay;
  readonly holding: Holding;
  readonly target: URL;
  readonly pool: Pool;
  /** How long the search may take in all. */
  readonly timeoutMs: number;
  /** Whoever searches does not visit the target: only an exit that fails by itself is told of. */
  readonly aside?: boolean;
}

/**
 * One search for an exit through which a target is reached. One that misses it is left without a word: whether it or the target is
 * to blame shows when another exit has been asked. A host that is down would put a whole pool to rest otherwise.
 */
export class Search {
  readonly deadline: number;
  readonly #terms: SearchTerms;
  readonly #heldBack: { readonly seat: Seat; readonly outcome: Outcome }[] = [];
  #strangers = 0;
  #believed = 0;

  constructor(terms: SearchTerms) {
    this.#terms = terms;
    this.deadline = performance.now() + terms.timeoutMs;
  }

  /** What is left of its time. */
  get leftMs(): number {
    return Math.max(1, this.deadline - performance.now());
  }

  /** Enough exits have missed the target: it is to blame. So many that have carried something are believed as a policy repeats. */
  get isHopeless(): boolean {
    return this.#believed >= this.#terms.pool.policy.retry.maxAttempts || this.#strangers >= MOST_STRANGERS;
  }

  /** How long the next dial may take: one that hangs must leave time for others. */
  dialMs(tenancy: Tenancy): number {
    const { leftMs } = this;
    return dialTimeOf(this.#terms.pool, leftMs, tenancy.patienceMs(leftMs));
  }

  /** The seat's exit failed; it is done with. True: another exit is next. */
  failed(seat: Seat, outcome: Outcome): boolean {
    const { hearsay, holding, target, aside } = this.#terms;
    const { tenancy } = seat;
    if (aside === true && !isOfItself(outcome)) {
      seat.release();
      return false;
    }
    this.#count(tenancy.endpoint, outcome);
    if (!tenancy.hasCarried && !hearsay.isPlain(tenancy.endpoint, outcome, target)) {
      this.#heldBack.push({ seat, outcome });
      holding.pass(tenancy);
      return true;
    }
    const moved = holding.observe(tenancy, outcome, target);
    seat.release();
    return moved;
  }

  /** The target was reached: who missed it is to blame. */
  reached({ endpoint }: Tenancy): void {
    const { hearsay, holding, target } = this.#terms;
    hearsay.reached(endpoint, target);
    for (const { seat, outcome } of this.#heldBack) holding.observe(seat.tenancy, outcome, target);
    this.over();
  }

  /** Ends it; what nobody was blamed for stays unsaid. */
  over(): void {
    if (this.#heldBack.length === 0) return;
    for (const { seat } of this.#heldBack.splice(0)) seat.release();
  }

  #count(endpoint: Endpoint, outcome: Outcome): void {
    const code = outcome.kind === 'failure' ? outcome.code : undefined;
    if (isMiss(outcome) && this.#terms.hearsay.hasCarried(endpoint)) this.#believed += 1;
    else if (code === 'PROXY_TUNNEL') this.#strangers += 1;
    else if (code !== 'PROXY_TIMEOUT') this.#strangers = 0;
  }
}

/** The exit failed before it was asked for any target. */
function isOfItself(outcome: Outcome): boolean {
  return outcome.kind === 'failure' && outcome.fault === 'endpoint' && outcome.phase !== 'tunnel';
}

/** The exit was there and asked, and made no tunnel: it or the target. Some only close when they cannot reach one. */
function isMiss(outcome: Outcome): boolean {
  if (outcome.kind !== 'failure' || outcome.phase !== 'tunnel' || outcome.sent !== 'nothing') return false;
  return outcome.fault === 'unclear' || outcome.fault === 'target' || outcome.code === 'PROXY_CLOSED';
}

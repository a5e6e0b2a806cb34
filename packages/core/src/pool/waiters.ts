import type { Instant } from '../ports/clock.js';
import type { Target } from '../target.js';

/** A caller in the waiting line. */
export interface Waiter {
  readonly target: Target;
  readonly deadline: Instant;
  /** Asks for nothing particular: what one such caller of a target cannot get, the next cannot either. */
  readonly plain: boolean;
  /** What it goes by: two rules of one host differ in what they allow. */
  readonly terms: object;
  /** When asking again may help without anything else happening. */
  wakeAt: Instant;
  /** Its question is on the way to a store: what comes of it says nothing yet of those behind it. */
  asking?: boolean;
  /** Its target is suspended or down: no endpoint would serve it, however many there were. */
  parked: boolean;
  /** Tries to be served now; true when it was answered, well or badly, and has left the line. */
  attempt(): boolean;
  fail(error: Error): void;
}

/**
 * A bounded line. Targets take turns, callers of one target come first come first served, and whoever cannot be served yet
 * is passed over without losing the place: one target that is stuck starves nobody.
 */
export class WaitingLine {
  readonly #queues = new Map<Target, Set<Waiter>>();
  /** Most callers at once. */
  bound: number;
  #size = 0;
  #parked = 0;
  #soonest: Instant = Number.POSITIVE_INFINITY;
  #serving = false;
  #again = false;

  constructor(bound: number) {
    this.bound = bound;
  }

  get size(): number {
    return this.#size;
  }

  /** Those who wait for an endpoint, and not for their target. */
  get wanting(): number {
    return this.#size - this.#parked;
  }

  /** Nothing in the line changes by itself before this. */
  get soonest(): Instant {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#soonest;
  }

  sizeOf(target: Target): number {
    return this.#queues.get(target)?.size ?? 0;
  }

  /** False when the line is full. */
  join(waiter: Waiter): boolean {
    if (this.#size >= this.bound) return false;
    const queue = this.#queues.get(waiter.target) ?? new Set();
    this.#queues.set(waiter.target, queue.add(waiter));
    this.#size += 1;
    this.#parked += Number(waiter.parked);
    this.#soonest = Math.min(this.#soonest, waiter.deadline, waiter.wakeAt);
    return true;
  }

  /** It asked and got nothing: when to ask again, and what for. */
  defer(waiter: Waiter, retryAt: Instant, parked: boolean): void {
    waiter.wakeAt = retryAt;
    this.#soonest = Math.min(this.#soonest, retryAt);
    if (waiter.parked === parked) return;
    waiter.parked = parked;
    this.#parked += parked ? 1 : -1;
  }

  /** What the waiter was refused may be had from then on: those who wait for the same need not ask before. */
  deferOthers(waiter: Waiter, until: Instant): void {
    if (!waiter.plain) return;
    for (const other of this.#queues.get(waiter.target) ?? []) {
      if (other.plain && other.terms === waiter.terms && other.asking !== true)
        other.wakeAt = Math.min(other.wakeAt, until);
    }
    this.#soonest = Math.min(this.#soonest, until);
  }

  leave(waiter: Waiter): void {
    const queue = this.#queues.get(waiter.target);
    if (queue?.delete(waiter) !== true) return;
    this.#size -= 1;
    this.#parked -= Number(waiter.parked);
    if (queue.size === 0) this.#queues.delete(waiter.target);
  }

  /** Something changed: everyone may try, target by target, until nobody gets anything. */
  serve(): void {
    // An attempt can change something itself; the line is then gone through once more, not within itself.
    this.#again = true;
    if (this.#serving) return;
    this.#serving = true;
    try {
      while (this.#again) {
        this.#again = false;
        // A served target moves to the end of the map: a copy, or the turn would never end.
        for (const target of Array.from(this.#queues.keys())) if (this.#serveOne(target)) this.#again = true;
      }
    } finally {
      this.#serving = false;
    }
  }

  /** Fails those whose deadline has come. */
  expire(now: Instant, reason: (waiter: Waiter) => Error): void {
    for (const waiter of this.#all()) if (waiter.deadline <= now) this.#failOne(waiter, reason(waiter));
  }

  /** Between rings only a lower bound of the next moment is kept; this makes it true again. */
  findSoonest(): void {
    this.#soonest = Number.POSITIVE_INFINITY;
    for (const { deadline, wakeAt } of this.#all()) this.#soonest = Math.min(this.#soonest, deadline, wakeAt);
  }

  failAll(reason: (waiter: Waiter) => Error): void {
    for (const waiter of this.#all()) this.#failOne(waiter, reason(waiter));
  }

  /** Lets everyone of one target try at once, so that those for whom it is hopeless now hear of it. */
  recheck(target: Target): void {
    for (const waiter of this.#queues.get(target) ?? []) if (waiter.attempt()) this.leave(waiter);
  }

  [Symbol.iterator](): IterableIterator<Waiter> {
    return this.#all().values();
  }

  #serveOne(target: Target): boolean {
    const queue = this.#queues.get(target);
    if (queue === undefined) return false;
    let stuck: Map<object, Waiter> | undefined;
    for (const waiter of queue) {
      const ahead = waiter.plain ? stuck?.get(waiter.terms) : undefined;
      if (ahead !== undefined) {
        this.defer(waiter, ahead.wakeAt, ahead.parked);
        continue;
      }
      if (!waiter.attempt()) {
        if (waiter.plain && waiter.asking !== true) (stuck ??= new Map()).set(waiter.terms, waiter);
        continue;
      }
      this.leave(waiter);
      // The next turn is another target's.
      if (this.#queues.delete(target) && queue.size > 0) this.#queues.set(target, queue);
      return true;
    }
    return false;
  }

  #all(): Waiter[] {
    return [...this.#queues.values()].flatMap((queue) => [...queue]);
  }

  #failOne(waiter: Waiter, error: Error): void {
    this.leave(waiter);
    waiter.fail(error);
  }
}

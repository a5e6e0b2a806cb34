import type { Instant } from '../ports/clock.js';

/** A caller in the waiting line. */
export interface Waiter {
  readonly deadline: Instant;
  /** Tries to be served now; true when it was, and has left the line. */
  attempt(): boolean;
  fail(error: Error): void;
}

/** A bounded line, first come first served; whoever cannot be served yet is passed over without losing the place. */
export class WaitingLine {
  readonly #line = new Set<Waiter>();
  readonly #bound: number;

  constructor(bound: number) {
    this.#bound = bound;
  }

  get size(): number {
    return this.#line.size;
  }

  /** False when the line is full. */
  join(waiter: Waiter): boolean {
    if (this.#line.size >= this.#bound) return false;
    this.#line.add(waiter);
    return true;
  }

  leave(waiter: Waiter): void {
    this.#line.delete(waiter);
  }

  /** Something changed: everyone tries, in order. */
  serve(): void {
    for (const waiter of this.#line) if (waiter.attempt()) this.#line.delete(waiter);
  }

  /** Fails those whose deadline has come. */
  expire(now: Instant, reason: () => Error): void {
    for (const waiter of this.#line) if (waiter.deadline <= now) this.#failOne(waiter, reason());
  }

  failAll(reason: () => Error): void {
    for (const waiter of this.#line) this.#failOne(waiter, reason());
  }

  nextDeadline(): Instant {
    let soonest = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#line) soonest = Math.min(soonest, deadline);
    return soonest;
  }

  #failOne(waiter: Waiter, error: Error): void {
    this.#line.delete(waiter);
    waiter.fail(error);
  }
}

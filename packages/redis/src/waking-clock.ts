import { uptime } from 'node:os';
import { systemClock, type Clock, type Instant } from '@fairlead/core';

/** The two clocks of one machine differ by less than that: some tell how long they are up in whole seconds. */
const SLEPT_MS = 1_250;
/** To ask how long the machine is up is not free. */
const LOOK_MS = 100;

/** NaN where this machine does not say. */
function upMs(): number {
  try {
    return uptime() * 1_000;
  } catch {
    return Number.NaN;
  }
}

/**
 * The pool's clock, with the time that the machine slept: on Linux the monotonic clock stands still meanwhile, but leases
 * end at the store. It looks whenever a timer of its own comes, before anything is done that relies on what time it is.
 */
export class WakingClock implements Clock {
  #clock: Clock = systemClock;
  #uptimeMs: (() => number) | undefined;
  readonly #wakers = new Set<() => void>();
  #sleptMs = 0;
  /** How far the clock that does not sleep is ahead. */
  #ahead: number | undefined;
  #lookedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(uptimeMs: (() => number) | undefined) {
    this.#uptimeMs = uptimeMs;
  }

  /** Goes by the pool's clock from now on. Of one that is not the system's nobody knows whether it sleeps. */
  follow(clock: Clock): this {
    this.#clock = clock;
    if (clock === systemClock) this.#uptimeMs ??= upMs;
    this.#look();
    return this;
  }

  /** Calls back when the machine has slept. */
  onWake(waker: () => void): void {
    this.#wakers.add(waker);
  }

  now(): Instant {
    return this.#clock.now() + this.#sleptMs;
  }

  wallNow(): number {
    return this.#clock.wallNow();
  }

  schedule(at: Instant, callback: () => void): () => void {
    return this.#clock.schedule(at - this.#sleptMs, () => {
      this.#look();
      callback();
    });
  }

  #look(): void {
    const now = this.#clock.now();
    if (this.#uptimeMs === undefined || now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const ahead = this.#uptimeMs() - now;
    const slept = ahead - (this.#ahead ?? ahead);
    this.#ahead = ahead;
    if (!(slept >= SLEPT_MS)) return;
    this.#sleptMs += slept;
    for (const waker of this.#wakers) waker();
  }
}

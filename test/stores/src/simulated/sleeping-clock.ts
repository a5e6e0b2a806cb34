import type { Clock, Instant } from '@fairlead/core';
import type { ManualClock } from '@fairlead/core/testing';

/** The clock of a machine that can be put to sleep in a world that goes on. */
export class SleepingClock implements Clock {
  readonly #world: ManualClock;
  /** Whether its monotonic clock stands still in its sleep, as that of Linux does. */
  readonly #stops: boolean;
  #since: Instant | undefined;
  #sleptMs = 0;
  #late: (() => void)[] = [];

  constructor(world: ManualClock, stops: boolean) {
    this.#world = world;
    this.#stops = stops;
  }

  now(): Instant {
    return (this.#since ?? this.#world.now()) - this.#sleptMs;
  }

  wallNow(): number {
    return this.#world.wallNow();
  }

  schedule(at: Instant, callback: () => void): () => void {
    let off = false;
    let cancel = (): void => undefined;
    const wait = (): void => {
      cancel = this.#world.schedule(at + this.#sleptMs, due);
    };
    const due = (): void => {
      if (off) return;
      if (this.#since !== undefined) this.#late.push(due);
      else if (this.now() < at) wait();
      else callback();
    };
    wait();
    return () => {
      off = true;
      cancel();
    };
  }

  sleep(): void {
    this.#since = this.#world.now();
  }

  wake(): void {
    if (this.#stops) this.#sleptMs += this.#world.now() - this.#since!;
    this.#since = undefined;
    for (const due of this.#late.splice(0)) due();
  }

  get asleep(): boolean {
    return this.#since !== undefined;
  }
}

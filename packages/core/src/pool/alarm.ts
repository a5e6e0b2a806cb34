import type { Clock, Instant } from '../ports/clock.js';

/** The pool's only timer, set to the next moment at which anything can change by itself. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #at: Instant = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `at` or sooner: an earlier ring that turns out to be for nothing costs less than a timer per request. */
  set(at: Instant): void {
    if (at >= this.#at && at !== Number.POSITIVE_INFINITY) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#clock.schedule(at, () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#ring();
    });
  }
}

import type { Instant } from '../ports/clock.js';

/** Sums over a span that ends now. */
export interface PulseSums {
  readonly settled: number;
  readonly succeeded: number;
  /** Mean time to an answer's head; undefined when there was none. */
  readonly latencyMs: number | undefined;
}

/** What happened in the last minute: ten seconds in tenths, a minute in seconds; an attempt costs two additions. */
export class Pulse {
  readonly #tenths = new Ring(100, 100);
  readonly #seconds = new Ring(1000, 60);

  record(now: Instant, succeeded: boolean, latencyMs: number | undefined): void {
    this.#tenths.record(now, succeeded, latencyMs);
    this.#seconds.record(now, succeeded, latencyMs);
  }

  /** The last `spanMs`, at most a minute. Reads; clears nothing. */
  over(spanMs: number, now: Instant): PulseSums {
    return (spanMs <= 10_000 ? this.#tenths : this.#seconds).over(spanMs, now);
  }
}

/** Sums by slots of time; a slot is cleared when its turn comes again. */
class Ring {
  readonly #slotMs: number;
  readonly #stamp: Float64Array;
  readonly #settled: Uint32Array;
  readonly #succeeded: Uint32Array;
  readonly #answers: Uint32Array;
  readonly #latency: Float64Array;

  constructor(slotMs: number, slots: number) {
    this.#slotMs = slotMs;
    this.#stamp = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY);
    this.#settled = new Uint32Array(slots);
    this.#succeeded = new Uint32Array(slots);
    this.#answers = new Uint32Array(slots);
    this.#latency = new Float64Array(slots);
  }

  record(now: Instant, succeeded: boolean, latencyMs: number | undefined): void {
    const tick = Math.floor(now / this.#slotMs);
    const slot = tick % this.#stamp.length;
    if (this.#stamp[slot] !== tick) this.#clear(slot, tick);
    this.#settled[slot]! += 1;
    if (succeeded) this.#succeeded[slot]! += 1;
    if (latencyMs === undefined) return;
    this.#answers[slot]! += 1;
    this.#latency[slot]! += latencyMs;
  }

  over(spanMs: number, now: Instant): PulseSums {
    const first = Math.floor(now / this.#slotMs) - Math.ceil(spanMs / this.#slotMs) + 1;
    let [settled, succeeded, answers, latency] = [0, 0, 0, 0];
    for (let slot = 0; slot < this.#stamp.length; slot += 1) {
      if (this.#stamp[slot]! < first) continue;
      settled += this.#settled[slot]!;
      succeeded += this.#succeeded[slot]!;
      answers += this.#answers[slot]!;
      latency += this.#latency[slot]!;
    }
    return { settled, succeeded, latencyMs: answers === 0 ? undefined : latency / answers };
  }

  #clear(slot: number, tick: number): void {
    this.#stamp[slot] = tick;
    this.#settled[slot] = 0;
    this.#succeeded[slot] = 0;
    this.#answers[slot] = 0;
    this.#latency[slot] = 0;
  }
}

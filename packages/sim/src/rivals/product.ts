import type { Player } from '../player.js';
import type { Random } from '../random.js';
import { Fenwick } from './fenwick.js';

const WINDOW = 20;
const MOST_IN_FLIGHT = 10;
const PENALTY_MS = 60_000;

/** The residential-pool article's score: success · latency · load · penalty, drawn in proportion. */
export function product(size: number, random: Random): Player {
  const scores = new ProductScores(size);
  return {
    name: 'product',
    choose(_request, now) {
      scores.pardon(now);
      const row = scores.draw(random());
      scores.load(row, 1);
      return row;
    },
    observe(_request, endpoint, sight, tookMs, now) {
      scores.load(endpoint, -1);
      if (sight === 'cancelled') return;
      const hard = sight === 'connect-fault' || sight === 'timeout' || sight === 'cut';
      scores.learn(endpoint, sight === 'ok' || sight === 'captcha', tookMs, hard, now);
    },
  };
}

class ProductScores {
  readonly #weights: Fenwick;
  readonly #inFlight: Uint16Array;
  readonly #penaltyUntil: Float64Array;
  readonly #outcomes: (number[] | undefined)[];
  readonly #latencies: (number[] | undefined)[];
  /** Success · latency, which change by outcome only. */
  readonly #merit: Float64Array;
  readonly #penalised: { readonly row: number; readonly until: number }[] = [];
  #pardoned = 0;

  constructor(size: number) {
    this.#weights = new Fenwick(size, 2);
    this.#inFlight = new Uint16Array(size);
    this.#penaltyUntil = new Float64Array(size);
    this.#outcomes = Array.from({ length: size });
    this.#latencies = Array.from({ length: size });
    this.#merit = new Float64Array(size).fill(2);
  }

  draw(u: number): number {
    return this.#weights.draw(u);
  }

  load(row: number, change: number): void {
    this.#inFlight[row]! += change;
    this.#weigh(row, this.#penaltyUntil[row]! > 0);
  }

  learn(row: number, good: boolean, tookMs: number, hard: boolean, now: number): void {
    const outcomes = (this.#outcomes[row] ??= []);
    const latencies = (this.#latencies[row] ??= []);
    slide(outcomes, good ? 1 : 0);
    if (good) slide(latencies, tookMs / 1_000);
    const success = Math.max(0.1, outcomes.reduce((sum, one) => sum + one, 0) / outcomes.length);
    const p95 = [...latencies].sort((a, b) => a - b)[Math.ceil(0.95 * latencies.length) - 1] ?? 0;
    this.#merit[row] = success * Math.min(2, 1.5 / Math.max(0.05, p95));
    if (hard) {
      this.#penaltyUntil[row] = now + PENALTY_MS;
      this.#penalised.push({ row, until: now + PENALTY_MS });
    }
    this.#weigh(row, this.#penaltyUntil[row]! > 0);
  }

  /** Lifts the penalties that are over; they were pushed in order of their end. */
  pardon(now: number): void {
    for (let next = this.#penalised[this.#pardoned]; next !== undefined && next.until <= now;) {
      if (this.#penaltyUntil[next.row] === next.until) {
        this.#penaltyUntil[next.row] = 0;
        this.#weigh(next.row, false);
      }
      this.#pardoned += 1;
      next = this.#penalised[this.#pardoned];
    }
  }

  #weigh(row: number, penalised: boolean): void {
    const load = Math.max(0.1, 1 - this.#inFlight[row]! / MOST_IN_FLIGHT);
    this.#weights.set(row, this.#merit[row]! * load * (penalised ? 0.5 : 1));
  }
}

function slide(window: number[], value: number): void {
  window.push(value);
  if (window.length > WINDOW) window.shift();
}

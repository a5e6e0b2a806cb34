import type { Player, Request } from '../player.js';
import type { Random } from '../random.js';

const INTERVAL_MS = 500;
const FAILURES_TO_COOL = 3;
const COOL_MS = { least: 30_000, most: 300_000 };
const EVICTED_AFTER = 30;
const MOST_PATHS = 5;
const MOST_IN_FLIGHT = 100;

/**
 * scatter-proxy: K paths at once by affinity score (pair .5, global .3, recency .2, chance .1), cooldown after three
 * failures in a row, eviction at nought of thirty, 500 ms between uses of a pair, 100 in flight. `adaptive` sets K by the success rate.
 */
export function race(size: number, targets: number, random: Random, paths: number | 'adaptive'): Player {
  const health = new RaceHealth(size, targets);
  return {
    name: paths === 'adaptive' ? 'race-adaptive' : `race-${paths}`,
    width: () => (paths === 'adaptive' ? adaptivePaths(health.successRate) : paths),
    wakesOnRelease: true,
    choose(request, now) {
      let choice = -1;
      request.wakeAt = now + INTERVAL_MS / 2;
      if (health.inFlight >= MOST_IN_FLIGHT) return choice;
      let most = -Infinity;
      for (let row = 0; row < size; row += 1) {
        if (!health.isEligible(row, request, now)) continue;
        const score = health.score(row, request.target, now) + 0.1 * random();
        if (score > most) [most, choice] = [score, row];
      }
      if (choice >= 0) health.use(choice, request.target, now);
      return choice;
    },
    observe(request, endpoint, sight, _tookMs, now) {
      health.inFlight -= 1;
      if (sight !== 'cancelled') health.learn(endpoint, request.target, sight === 'ok' || sight === 'captcha', now);
    },
  };
}

function adaptivePaths(successRate: number): number {
  const p = Math.min(0.99, Math.max(0.01, successRate));
  return Math.min(MOST_PATHS, Math.max(1, Math.ceil(Math.log(1 - 0.9) / Math.log(1 - p))));
}

class RaceHealth {
  successRate = 0.3;
  inFlight = 0;
  readonly #targets: number;
  readonly #pairGood: Float32Array;
  readonly #pairAll: Float32Array;
  readonly #good: Float32Array;
  readonly #all: Float32Array;
  readonly #successAt: Float64Array;
  readonly #usedAt: Float64Array;
  readonly #streak: Uint16Array;
  readonly #coolUntil: Float64Array;
  readonly #coolMs: Float64Array;

  constructor(size: number, targets: number) {
    this.#targets = targets;
    this.#pairGood = new Float32Array(size * targets);
    this.#pairAll = new Float32Array(size * targets);
    this.#usedAt = new Float64Array(size * targets).fill(-Infinity);
    this.#good = new Float32Array(size);
    this.#all = new Float32Array(size);
    this.#successAt = new Float64Array(size).fill(-Infinity);
    this.#streak = new Uint16Array(size);
    this.#coolUntil = new Float64Array(size);
    this.#coolMs = new Float64Array(size).fill(COOL_MS.least);
  }

  isEligible(row: number, request: Request, now: number): boolean {
    return (
      this.#coolUntil[row]! <= now &&
      this.#usedAt[row * this.#targets + request.target]! + INTERVAL_MS <= now &&
      !(this.#all[row]! >= EVICTED_AFTER && this.#good[row] === 0) &&
      !(request.live > 0 && request.tried.slice(-request.live).includes(row))
    );
  }

  score(row: number, target: number, now: number): number {
    const pair = row * this.#targets + target;
    const pairRate = this.#pairAll[pair] === 0 ? 0.5 : this.#pairGood[pair]! / this.#pairAll[pair]!;
    const rate = this.#all[row] === 0 ? 0.5 : this.#good[row]! / this.#all[row]!;
    return 0.5 * pairRate + 0.3 * rate + 0.2 / (1 + (now - this.#successAt[row]!) / 60_000);
  }

  use(row: number, target: number, now: number): void {
    this.inFlight += 1;
    this.#usedAt[row * this.#targets + target] = now;
  }

  learn(row: number, target: number, good: boolean, now: number): void {
    const pair = row * this.#targets + target;
    this.successRate += 0.02 * ((good ? 1 : 0) - this.successRate);
    // A window of thirty, kept as a decaying pair of counts.
    const keep = 1 - 1 / EVICTED_AFTER;
    this.#pairGood[pair] = this.#pairGood[pair]! * keep + (good ? 1 : 0);
    this.#pairAll[pair] = this.#pairAll[pair]! * keep + 1;
    this.#good[row] = this.#good[row]! * keep + (good ? 1 : 0);
    this.#all[row] = this.#all[row]! * keep + 1;
    if (good) {
      this.#successAt[row] = now;
      this.#streak[row] = 0;
      this.#coolMs[row] = COOL_MS.least;
      return;
    }
    this.#streak[row]! += 1;
    if (this.#streak[row]! < FAILURES_TO_COOL) return;
    this.#streak[row] = 0;
    this.#coolUntil[row] = now + this.#coolMs[row]!;
    this.#coolMs[row] = Math.min(COOL_MS.most, this.#coolMs[row]! * 2);
  }
}

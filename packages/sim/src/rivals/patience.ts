import type { Player } from '../player.js';
import type { Random } from '../random.js';
import { USER_TIMEOUT_MS } from '../worlds/plan.js';
import { optional } from './optional.js';

const LEAST_SAMPLES = 50;
const LEAST_MS = 500;
/** So many attempts keep the full timeout, or the quantiles would only ever see what they let live. */
const UNCUT_SHARE = 0.03;
const PER_OCTAVE = 8;
const BUCKETS = 160;

/** Any player, giving attempts up by how latencies spread around an endpoint's own: what then remains is not abandonment. */
export function withPatience(inner: Player, size: number, random: Random): Player {
  const meanMs = new Float64Array(size);
  const latency = new LogHistogram();
  const ratio = new LogHistogram();
  const limit = (endpoint: number): number => {
    if (latency.count < LEAST_SAMPLES || random() < UNCUT_SHARE) return USER_TIMEOUT_MS;
    const mean = meanMs[endpoint]!;
    const bound = mean === 0 ? 1.2 * latency.quantile(0.8) : (mean * ratio.quantile(0.99)) / 1_000;
    return Math.max(LEAST_MS, bound);
  };
  return {
    ...optional(inner),
    name: `${inner.name}+abandon`,
    choose: (request, now) => inner.choose(request, now),
    patienceMs: (_request, endpoint) => limit(endpoint),
    observe(request, endpoint, sight, tookMs, now, retryAfterMs) {
      if (sight === 'ok') {
        latency.add(tookMs);
        const mean = meanMs[endpoint]!;
        if (mean > 0) ratio.add((tookMs / mean) * 1_000);
        meanMs[endpoint] = mean === 0 ? tookMs : mean + 0.15 * (tookMs - mean);
      }
      inner.observe(request, endpoint, sight, tookMs, now, retryAfterMs);
    },
  };
}

/** Counts by eighth of an octave, from 1 upwards, fading by halves so that it follows the times. */
class LogHistogram {
  count = 0;
  readonly #buckets = new Float64Array(BUCKETS);
  #known = new Map<number, number>();

  add(value: number): void {
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(Math.log2(value) * PER_OCTAVE)));
    this.#buckets[bucket]! += 1;
    this.count += 1;
    if (this.count % 32 === 0) this.#known.clear();
    if (this.count < 4_000) return;
    for (let index = 0; index < BUCKETS; index += 1) this.#buckets[index]! /= 2;
    this.count /= 2;
  }

  /** For the ratio, thousandths. */
  quantile(share: number): number {
    const known = this.#known.get(share);
    if (known !== undefined) return known;
    let left = share * this.count;
    let bucket = -1;
    while (left > 0 && bucket < BUCKETS - 1) left -= this.#buckets[(bucket += 1)]!;
    const value = 2 ** ((bucket + 1) / PER_OCTAVE);
    this.#known.set(share, value);
    return value;
  }
}

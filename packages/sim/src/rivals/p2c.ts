import type { Player } from '../player.js';
import type { Random } from '../random.js';

const DECAY_MS = 10_000;
/** A failure counts as the slowest answer there is, or a quick refusal would be the best endpoint. */
const FAILURE_MS = 8_000;

/** The better of two random endpoints by peak EWMA latency times load: rises at once, falls slowly. */
export function p2c(size: number, random: Random): Player {
  const cost = new Float64Array(size);
  const seenAt = new Float64Array(size);
  const load = new Uint16Array(size);
  const price = (row: number, now: number): number =>
    cost[row]! * Math.exp((seenAt[row]! - now) / (6 * DECAY_MS)) * (load[row]! + 1);
  return {
    name: 'p2c',
    choose(_request, now) {
      const one = Math.floor(random() * size);
      const other = Math.floor(random() * size);
      const choice = price(one, now) <= price(other, now) ? one : other;
      load[choice]! += 1;
      return choice;
    },
    observe(_request, endpoint, sight, tookMs, now) {
      load[endpoint]! -= 1;
      if (sight === 'cancelled') return;
      const seen = sight === 'ok' || sight === 'captcha' ? tookMs : FAILURE_MS;
      const weight = Math.exp((seenAt[endpoint]! - now) / DECAY_MS);
      cost[endpoint] = seen > cost[endpoint]! ? seen : cost[endpoint]! * weight + seen * (1 - weight);
      seenAt[endpoint] = now;
    },
  };
}

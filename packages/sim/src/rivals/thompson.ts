import type { Player } from '../player.js';
import { normal, type Random } from '../random.js';

const DECAY_MS = 180_000;

/** Thompson sampling over all endpoints: a Beta belief each, fading with time; the highest draw wins. */
export function thompson(size: number, random: Random): Player {
  const good = new Float64Array(size);
  const bad = new Float64Array(size);
  const seenAt = new Float64Array(size);
  const touched: number[] = [];
  const untouched = Array.from({ length: size }, (_, row) => row);
  return {
    name: 'thompson',
    choose(_request, now) {
      // The highest of n uniform draws is one draw to the power 1/n: the untried need no draw each.
      let most = untouched.length === 0 ? -1 : random() ** (1 / untouched.length);
      let choice = -1;
      for (const row of touched) {
        const fade = Math.exp((seenAt[row]! - now) / DECAY_MS);
        const draw = beta(1 + good[row]! * fade, 1 + bad[row]! * fade, random);
        if (draw > most) [most, choice] = [draw, row];
      }
      if (choice >= 0) return choice;
      const at = Math.floor(random() * untouched.length);
      const row = untouched[at]!;
      untouched[at] = untouched.at(-1)!;
      untouched.pop();
      touched.push(row);
      return row;
    },
    observe(_request, endpoint, sight, _tookMs, now) {
      if (sight === 'cancelled') return;
      const fade = Math.exp((seenAt[endpoint]! - now) / DECAY_MS);
      const success = sight === 'ok' || sight === 'captcha';
      good[endpoint] = good[endpoint]! * fade + (success ? 1 : 0);
      bad[endpoint] = bad[endpoint]! * fade + (success ? 0 : 1);
      seenAt[endpoint] = now;
    },
  };
}

function beta(a: number, b: number, random: Random): number {
  const x = gamma(a, random);
  return x / (x + gamma(b, random));
}

/** Marsaglia and Tsang's method; shapes here are never below one. */
function gamma(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

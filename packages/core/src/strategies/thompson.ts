import { fadeOver } from '../kernel/estimate.js';
import type { Strategy } from '../kernel/strategy.js';
import { leastOf, single } from './single.js';

/** Thompson sampling: one draw from each candidate's Beta belief, which fades with time; the highest wins. */
export function thompson(): Strategy {
  return single('thompson', (state, query) => {
    const { table, constants } = state;
    return leastOf(state, query, (row) => {
      const fade = fadeOver(query.now - table.epoch - table.touched[row]!, constants.tauMs);
      return -betaDraw(1 + table.success[row]! * fade, 1 + table.failure[row]! * fade, query.random);
    });
  });
}

/** A draw from Beta(a, b), for shapes of at least one. */
export function betaDraw(a: number, b: number, random: () => number): number {
  const x = gammaDraw(a, random);
  return x / (x + gammaDraw(b, random));
}

/** Marsaglia and Tsang's method. */
function gammaDraw(shape: number, random: () => number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normalDraw(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Box and Muller's method; 1 - u because the logarithm of nought is not a number to go on with. */
function normalDraw(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

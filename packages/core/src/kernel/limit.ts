import type { EtsConstants } from './defaults.js';

/** The limit after a success that came while it was reached: one more place per limit's worth of successes. */
export function grownLimit(limit: number, c: EtsConstants): number {
  return Math.min(c.limitMax, limit + 1 / limit);
}

/** The limit after a connect fault of which `load` may have been load, with `inFlight` others still out. */
export function cutLimit(limit: number, inFlight: number, load: number, c: EtsConstants): number {
  return Math.max(1, limit + load * (c.limitCut * Math.min(limit, inFlight + 1) - limit));
}

import type { EtsConstants } from './defaults.js';

/** When an endpoint rests: at an improbable run of failures, or after so many of them in a row, as older pools do it. */
export type CooldownRule = Eviction &
  (
    | { readonly kind: 'surprise' }
    | {
        readonly kind: 'streak';
        readonly failures: number;
        readonly baseMs: number;
        readonly maxMs: number;
        /** How much longer each cooldown in a row is than the one before. */
        readonly growth: number;
      }
  );

interface Eviction {
  /** Attempts without a single success after which an endpoint is put away; 0 is never. The constant where it is not said. */
  readonly evictAfter?: number;
}

/** Whether an active endpoint rests: by how improbable its run of failures was, not by a count alone. */
export function isSurprising(rateBefore: number, streak: number, c: EtsConstants): boolean {
  // However good it was held to be, one failure alone is no run.
  return (1 - Math.min(c.surpriseRateMax, rateBefore)) ** streak < c.surprise;
}

/** Whether so little is left of the estimate that the endpoint rests without any surprise. */
export function isHopeless(rate: number, attempts: number, c: EtsConstants): boolean {
  return rate < c.hopelessRate && attempts > c.hopelessAttempts;
}

/** How long the first cooldown of an endpoint lasts: an untried one the longer, the rarer good ones are. */
export function firstCooldown(proven: boolean, novelty: number, c: EtsConstants): number {
  if (proven) return c.cooldownMs;
  return Math.min(c.cooldownUntriedMaxMs, Math.max(c.cooldownMs, (c.cooldownMs * (1 - novelty)) / novelty));
}

/** The `spell`-th cooldown in a row, from 1: doubled each time, spread so that endpoints do not return together. */
export function cooldownLength(first: number, spell: number, random: number, c: EtsConstants): number {
  const spread = 1 - c.cooldownJitter + 2 * c.cooldownJitter * random;
  return Math.min(c.cooldownMaxMs, first * 2 ** (spell - 1) * spread);
}

/** Something that is timed: one call is one attempt, chosen and settled. */
export interface Subject {
  readonly name: string;
  pair(): void;
}

/** Attempts in flight at once: what a busy scraper keeps open. */
export const SLOTS = 100;
export const TARGETS = 50;

/** Virtual milliseconds between two attempts: 100 slots over about a second each. */
export const STEP_MS = 10;

/** A seeded generator (mulberry32): one seed, one run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

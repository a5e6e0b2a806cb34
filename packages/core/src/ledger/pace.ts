import { createPairTable, findPair, putPair, type PairTable } from '../kernel/pair-table.js';

/**
 * When each (row, target) pair may be used again: the theoretical arrival time of the generic cell rate algorithm, kept
 * only for paced targets. Entries whose time has passed say nothing and are the first to be forgotten.
 */
export interface Pace {
  readonly pairs: PairTable;
}

export function createPace(maxPairs: number): Pace {
  return { pairs: createPairTable(maxPairs) };
}

/** The instant from which the pair may be used; 0 when it may at any time. */
export function opensAt({ pairs }: Pace, key: number, target: number, burstMs: number): number {
  const slot = findPair(pairs, key, target + 1);
  return slot < 0 ? 0 : pairs.until[slot]! - burstMs;
}

/** Counts one use of the pair now. */
export function spend({ pairs }: Pace, key: number, target: number, emissionMs: number, now: number): void {
  const slot = putPair(pairs, key, target + 1, now);
  pairs.until[slot] = Math.max(now, pairs.until[slot]!) + emissionMs;
}

/** Takes a use back that the target never saw. */
export function unspend({ pairs }: Pace, key: number, target: number, emissionMs: number): void {
  const slot = findPair(pairs, key, target + 1);
  if (slot >= 0) pairs.until[slot] = pairs.until[slot]! - emissionMs;
}

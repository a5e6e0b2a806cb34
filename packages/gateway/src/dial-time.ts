import type { Pool } from '@fairlead/core';

/** Enough for an exit that means to answer. */
const USUAL_MS = 3000;

/**
 * How long one dial may take of the time that is left. An exit that takes a connection and says nothing would have all of it,
 * as long as nobody knows how quick exits are: others could be tried meanwhile, where there are any.
 */
export function dialTimeOf({ policy, size }: Pick<Pool, 'policy' | 'size'>, leftMs: number): number {
  const left = Math.max(1, leftMs);
  if (!policy.abandon || size < 2) return left;
  return Math.max(left / 4, Math.min(USUAL_MS, left / 2));
}

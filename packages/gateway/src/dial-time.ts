import type { Pool } from '@fairlead/core';

type Turns = Pick<Pool, 'policy' | 'size'>;

/** Enough for an exit that means to answer. */
const USUAL_MS = 3000;

/**
 * How long one dial may take of the time that is left. An exit that takes a connection and says nothing would have all of it,
 * as long as nobody knows how quick exits are: others could be tried meanwhile, where there are any.
 */
export function dialTimeOf(pool: Turns, leftMs: number): number {
  const left = Math.max(1, leftMs);
  if (!hasOthers(pool)) return left;
  return Math.max(left / 4, Math.min(USUAL_MS, left / 2));
}

/** Whether there is another endpoint to turn to while one is silent, and it is wished for. */
export function hasOthers({ policy, size }: Turns): boolean {
  return policy.abandon && size > 1;
}

import type { Pool } from '@fairlead/core';

/** Enough for an exit that means to answer. */
const USUAL_MS = 3000;

/**
 * How long one dial may take: what has been learned of its exit allows `patienceMs`, the client has `leftMs`. An exit that takes a
 * connection and says nothing would have all of that, as long as nobody knows how quick exits are: others could be tried
 * meanwhile, where there are any. Policies that give no attempt up mean what was sent, and here nothing was.
 */
export function dialTimeOf({ size }: Pick<Pool, 'size'>, leftMs: number, patienceMs: number): number {
  const left = Math.max(1, leftMs);
  const most = size > 1 ? Math.max(left / 4, Math.min(USUAL_MS, left / 2)) : left;
  return Math.max(1, Math.min(most, patienceMs));
}

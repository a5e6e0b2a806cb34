import type { EtsConstants } from './defaults.js';
import type { Row, Table } from './table.js';

/** The limit after a success that came while it was reached: one more place per limit's worth of successes. */
export function grownLimit(limit: number, share: number, c: EtsConstants): number {
  return Math.min(c.limitMax, limit + share / limit);
}

/** The limit after a connect fault of which `load` may have been load, with `inFlight` others still out. */
export function cutLimit(limit: number, inFlight: number, load: number, c: EtsConstants): number {
  return Math.max(1, limit + load * (c.limitCut * Math.min(limit, inFlight + 1) - limit));
}

const MOST_REFUSALS = 5;

/** A connect fault that was load, with what the row carried then, itself included. */
export function noteRefusal(table: Table, row: Row): void {
  const load = Math.min(255, table.inFlight[row]! + 1);
  const known = table.refusedLoad[row]!;
  const lower = known === 0 || load < known;
  if (lower) table.refusedLoad[row] = load;
  table.refusals[row] = lower ? 1 : Math.min(MOST_REFUSALS, table.refusals[row]! + 1);
}

/** It carried as much as it had refused: the refusal may have been chance. */
export function noteCarried(table: Table, row: Row): void {
  const known = table.refusedLoad[row]!;
  if (known === 0 || table.inFlight[row]! + 1 < known) return;
  table.refusals[row] = table.refusals[row]! - 1;
  if (table.refusals[row] === 0) table.refusedLoad[row] = 0;
}

/** Up to a load that was refused the limit grows as ever, past it by halves: a true cap is then run into seldom. */
export function growthShare(table: Table, row: Row): number {
  const known = table.refusedLoad[row]!;
  return known === 0 || table.limit[row]! + 1 < known ? 1 : 0.5 ** table.refusals[row]!;
}

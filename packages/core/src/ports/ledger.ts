import type { Row } from '../kernel/table.js';

/** Candidates of one admission, best first, in arrays that the pool reuses: no allocation on the hot path. */
export interface Candidates {
  readonly rows: Int32Array;
  count: number;
}

/**
 * The port of hard limits: who may, as against who is best. Every verb is one atomic step, so that two callers can never
 * be granted the same last place. This is the local form, over rows; a shared one will speak in ids.
 */
export interface Ledger {
  /** Takes a place on the first candidate that has room; -1 when none has. */
  admit(candidates: Candidates, limits: Float64Array): Row;
  release(row: Row): void;
  inFlight(row: Row): number;
}

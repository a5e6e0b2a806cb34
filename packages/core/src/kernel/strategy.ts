import type { Row, Table } from './table.js';

/** What a strategy is asked: which rows are out of the question for this request, and how many are wanted. */
export interface RankQuery {
  /** True for rows this request must not use: tried before, wrong tags, at their limit. */
  readonly excluded: (row: Row) => boolean;
  readonly now: number;
  readonly random: () => number;
}

/** Code that ranks candidates: pure but for the counters it owns. Writes rows into `out`, best first. */
export interface Strategy {
  readonly name: string;
  rank(table: Table, query: RankQuery, out: Int32Array): number;
}

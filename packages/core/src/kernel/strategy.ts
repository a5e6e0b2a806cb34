import type { Fact } from './fact.js';
import type { RankQuery } from './query.js';
import type { KernelState } from './state.js';
import type { Row } from './table.js';

/**
 * Code that ranks candidates. It reads the state, owns what counters it needs, and leaves the rest (room, pace, blocks,
 * cooldowns) to the kernel: `isCandidate` says which rows may be used.
 */
export interface Strategy {
  readonly name: string;
  /** Writes up to `query.want` rows into `out`, best first; returns how many. */
  rank(state: KernelState, query: RankQuery, out: Int32Array): number;
  /** An attempt starts through the row. */
  admitted?(state: KernelState, row: Row, target: number, now: number): void;
  /** It ended; called before the kernel itself learns. */
  settled?(state: KernelState, row: Row, target: number, fact: Fact, now: number): void;
  /** The row has another endpoint now, or none. */
  cleared?(row: Row): void;
}

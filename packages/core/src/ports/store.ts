import type { Ledger } from './ledger.js';
import type { Records } from './records.js';

/** A pair of both ports: hard limits and soft state. */
export interface Store {
  readonly name: string;
  readonly ledger: Ledger;
  /** Undefined where nothing is kept beyond the process. */
  readonly records: Records | undefined;
}

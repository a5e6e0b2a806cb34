import type { Ledger } from './ledger.js';
import type { Records } from './records.js';
import type { SharedLedger } from './shared-ledger.js';

/** A store whose limits hold in this process. */
export interface LocalStore {
  readonly name: string;
  readonly ledger: Ledger;
  /** Undefined where nothing is kept beyond the process. */
  readonly records: Records | undefined;
  readonly shared?: undefined;
}

/** A store whose limits hold over all processes that share it. */
export interface SharedStore {
  readonly name: string;
  /** What this process believes and has reserved; the shared ledger decides. */
  readonly ledger: Ledger;
  readonly records: Records;
  readonly shared: SharedLedger;
}

/** Both ports in one: hard limits and soft state. */
export type Store = LocalStore | SharedStore;

import type { Clock } from './clock.js';
import type { Random } from './random.js';
import type { SoftRecord } from './soft-record.js';

/** What a store tells its pool about itself; the pool's event `store` says it on. */
export interface StoreReport {
  /**
   * `working`: records are kept. `degraded`: they are not, the pool goes on in memory. `damaged`: part of what was kept could
   * not be read and was left out.
   */
  readonly state: 'working' | 'degraded' | 'damaged' | 'down' | 'partition' | 'recovering';
  readonly why: string;
}

/** What records are given of their pool. */
export interface RecordsContext {
  readonly clock: Clock;
  readonly random: Random;
  /** All that is worth keeping now, walked lazily: a store that writes it must not do so in one go. */
  image(): Iterable<SoftRecord>;
  report(report: StoreReport): void;
  /** What others who share the store have learned. */
  receive(records: readonly SoftRecord[]): void;
}

/** What `open` brings. */
export interface OpenedRecords {
  /** Key of the hashes that name endpoints: the same at every start, and for all who share the store. */
  readonly key: string;
  /** What was kept, oldest first, in portions. */
  readonly saved: AsyncIterable<readonly SoftRecord[]>;
}

/** The port of soft state: what was learned, kept beyond this process. */
export interface Records {
  open(context: RecordsContext): Promise<OpenedRecords>;
  /** Keeps a batch; true once it would survive the end of this process. Never rejects. */
  push(batch: readonly SoftRecord[]): Promise<boolean>;
  /** False while a batch would only lie about: its pool goes on gathering until then. Absent, every batch is taken. */
  readonly takes?: boolean;
  close(): Promise<void>;
}

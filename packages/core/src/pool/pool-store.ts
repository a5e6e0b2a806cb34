import type { Ledger } from '../ports/ledger.js';
import type { Emitter } from './events.js';
import type { ResolvedOptions } from './options.js';
import { RecordsLink } from './records-link.js';
import { SharedDesk } from './shared-desk.js';
import { sharing } from './sharing-ledger.js';

/** A pool's store, as the pool is to use it. */
export interface PoolStore {
  /** The options, with the ledger that keeps records and sharers informed. */
  readonly options: ResolvedOptions;
  /** The ledger itself: for what others told, which is not to be told again. */
  readonly heard: Ledger;
  readonly link: RecordsLink | undefined;
  readonly shared: SharedDesk | undefined;
}

/** Puts between a pool and its store what the store needs: notes of changes, and a desk where it is shared. */
export function poolStore(options: ResolvedOptions, events: Emitter): PoolStore {
  const { ledger, records, shared } = options.store;
  if (records === undefined) return { options, heard: ledger, link: undefined, shared: undefined };
  const link = new RecordsLink(records, shared !== undefined);
  const watched = link.watch(ledger);
  const wired = shared === undefined ? watched : sharing(watched, shared, (row) => link.keyOf(row));
  const resolved: ResolvedOptions = { ...options, store: { ...options.store, ledger: wired } };
  const desk = shared === undefined ? undefined : new SharedDesk(shared, link, ledger, resolved, events);
  return { options: resolved, heard: ledger, link, shared: desk };
}

import type { LocalLedger } from '../ledger/ledger.js';

/**
 * The port of hard limits: who may, as against who is best. Every verb is one atomic step, so that two callers can never
 * be granted the same last place. This is the local form, over rows and synchronous; a shared one will speak in ids.
 */
export type Ledger = LocalLedger;

/** Internal: the local ledger for the benchmark and the simulator. It may change in any release. */
export { createLedger } from './ledger.js';
export type { AdmitRequest, AdmitResult, LedgerOptions, LocalLedger } from './ledger.js';
export type { Pin, PinTerms } from './pins.js';

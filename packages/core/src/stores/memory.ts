import { createLedger } from '../ledger/ledger.js';
import type { Store } from '../ports/store.js';

/** The default store: limits hold in this process, and nothing is kept when it ends. One pool a store. */
export function memoryStore(): Store {
  return { name: 'memory', ledger: createLedger(), records: undefined };
}

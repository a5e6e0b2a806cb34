import { createLedger } from '../ledger/ledger.js';
import type { LocalStore } from '../ports/store.js';

/** The default store: limits hold in this process, and nothing is kept when it ends. Each pool needs one of its own. */
export function memoryStore(): LocalStore {
  return { name: 'memory', ledger: createLedger(), records: undefined };
}

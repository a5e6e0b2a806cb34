import { admit } from '../ledger/admit.js';
import { createLeaseCounts, giveBack, inFlightOf } from '../ledger/leases.js';
import type { Store } from '../ports/store.js';

/** The default store: limits hold in this process, and nothing is kept when it ends. One pool a store. */
export function memoryStore(): Store {
  const leases = createLeaseCounts();
  return {
    name: 'memory',
    ledger: {
      admit: ({ rows, count }, limits) => admit(leases, rows, count, limits),
      release: (row) => giveBack(leases, row),
      inFlight: (row) => inFlightOf(leases, row),
    },
    records: { close: () => Promise.resolve() },
  };
}

import type { Ledger } from '../ports/ledger.js';
import type { SharedLedger } from '../ports/shared-ledger.js';

/** Of a pin that the store has not named yet: it counts from one, and those that are granted without it from below zero. */
export const UNNAMED = 0;

/** The ledger of this process, whose decisions on targets and sessions hold for all who share the store. */
export function sharing(ledger: Ledger, shared: SharedLedger, keyOf: (row: number) => string | undefined): Ledger {
  return {
    ...ledger,
    suspend(target, until, why, now) {
      shared.suspend(target, until - now, why);
      return ledger.suspend(target, until, why, now);
    },
    resume(target) {
      shared.resume(target);
      return ledger.resume(target);
    },
    bind(session, row, terms, now) {
      const key = keyOf(row);
      if (key !== undefined) shared.bind(session, key, terms);
      const pin = { ...ledger.bind(session, row, terms, now), generation: UNNAMED };
      ledger.restorePin(session, row, pin);
      return pin;
    },
    unpin(session, expectedGeneration) {
      const done = ledger.unpin(session, expectedGeneration);
      // Compared at the store as well: by now the session may have a newer pin there.
      if (done || expectedGeneration === undefined) shared.unpin(session, expectedGeneration);
      return done;
    },
  };
}

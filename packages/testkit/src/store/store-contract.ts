import { describe } from 'vitest';
import { keepingCases } from './keeping.js';
import { limitCases } from './limits.js';
import { sharingCases } from './sharing.js';
import { Workplace, type StoreContract } from './workplace.js';

/** Runs one test in a place of its own, whose pools are closed at its end. */
export type AtWork = (test: (place: Workplace) => Promise<void>) => Promise<void>;

/** Registers, with vitest, every test that a store has to pass. Call it at the top of a test file. */
export function storeContract(contract: StoreContract): void {
  const atWork: AtWork = async (test) => {
    const place = new Workplace(contract);
    try {
      await test(place);
    } finally {
      await place.close();
    }
  };
  describe(`${contract.name} keeps the contract:`, () => {
    limitCases(atWork);
    if (contract.keeps) keepingCases(atWork);
    if (contract.shares) sharingCases(atWork);
  });
}

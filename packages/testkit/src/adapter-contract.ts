import { describe } from 'vitest';
import { abortCases } from './cases/aborts.js';
import { blameCases } from './cases/blame.js';
import { boundCases } from './cases/bounds.js';
import { companyCases } from './cases/company.js';
import { identityCases } from './cases/identities.js';
import { redirectCases } from './cases/redirects.js';
import { refusalCases } from './cases/refusals.js';
import { repeatCases } from './cases/repeats.js';
import { sessionCases } from './cases/sessions.js';
import { settlementCases } from './cases/settlement.js';
import type { AdapterContract } from './contract-client.js';
import { World } from './world.js';

/** Runs one test in a lab of its own, which is closed at its end. */
export type Within = (test: (world: World) => Promise<void>) => Promise<void>;

/** Registers, with vitest, every test that an adapter has to pass. Call it at the top of a test file. */
export function adapterContract(contract: AdapterContract): void {
  const within: Within = async (test) => {
    const world = new World(contract);
    try {
      await test(world);
    } finally {
      await world.close();
    }
  };
  describe(`${contract.name} keeps the contract:`, () => {
    settlementCases(within, contract);
    abortCases(within);
    blameCases(within, contract);
    boundCases(within);
    redirectCases(within, contract);
    identityCases(within);
    sessionCases(within, contract);
    repeatCases(within, contract);
    refusalCases(within, contract);
    companyCases(within, contract);
  });
}

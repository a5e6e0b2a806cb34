import { expect } from 'vitest';
import { runCase, type FaultCase } from './fault-case.js';

/** Wrong in nothing: `seen` says what was reported when it is. */
export async function expectRight(faultCase: FaultCase): Promise<void> {
  expect(faultCase.expected, 'the table of expectations lacks this fault').toBeDefined();
  const result = await runCase(faultCase);
  expect(result).toEqual({ ...result, misattributed: false, unsettled: false, socketsLeft: 0, credentialHits: [] });
}

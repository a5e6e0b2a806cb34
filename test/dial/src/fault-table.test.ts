import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectRight } from './expect-right.js';
import { labCases } from './lab-cases.js';
import { startRealCases, type RealServerCases } from './real-cases.js';

describe.concurrent('a fault of the lab is seen as the fault table has it', () => {
  for (const faultCase of labCases()) test(`${faultCase.name} over ${faultCase.client}`, () => expectRight(faultCase));
});

describe('squid, tinyproxy, dante and microsocks', () => {
  let servers: RealServerCases[] = [];
  beforeAll(async () => {
    servers = await startRealCases();
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
  });

  test('each of them is seen as the fault table has it', async () => {
    const all = servers.map(async ({ cases }) => {
      for (const faultCase of cases) await expectRight(faultCase);
      return cases.length;
    });
    const counts = await Promise.all(all);
    // Where none is installed there is nothing to see; CI installs all four, and the lab throws there if one is missing.
    if (servers.length === 8) expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(30);
  });
});

import { describe, expect, test, vi } from 'vitest';
import type { FaultCase } from './fault-case.js';

// got 16 and undici 8 cannot be installed for Node 20, on which the rest of the tree is: `scripts/newest-clients.mjs` puts them here.
const newest = vi.hoisted(() => {
  const folder = new URL('../../../.tool/newest/node_modules/', import.meta.url);
  return { got: new URL('got/dist/source/index.js', folder).href, undici: new URL('undici/index.js', folder).href };
});
const runs = Number(process.versions.node.split('.')[0]) >= 22;

vi.mock('got', () => import(newest.got));
vi.mock('undici', () => import(newest.undici));
if (runs) await seeEachFault();
else test('got 16 and undici 8 are for later Nodes than this one', () => expect(runs).toBe(false));

async function seeEachFault(): Promise<void> {
  const { expectRight } = await import('./expect-right.js');
  const { labCases } = await import('./lab-cases.js');
  const cases: FaultCase[] = labCases().filter(({ client }) => client !== 'axios');
  describe.concurrent('a fault of the lab is seen as the fault table has it', () => {
    for (const faultCase of cases) test(`${faultCase.name} over ${faultCase.client}`, () => expectRight(faultCase));
  });
}

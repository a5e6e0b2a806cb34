import { expect, test, vi } from 'vitest';

// got 15 cannot be installed for Node 20, on which the rest of the tree is: `scripts/newest-clients.mjs` puts it here.
const newest = vi.hoisted(
  () => new URL('../../../.tool/newest/node_modules/got-15/dist/source/index.js', import.meta.url).href,
);
const runs = Number(process.versions.node.split('.')[0]) >= 22;

vi.mock('got', () => import(newest));
if (runs) await import('./contract.test.js');
else test('got 15 is for later Nodes than this one', () => expect(runs).toBe(false));

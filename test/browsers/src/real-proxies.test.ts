import { availability, chromiumAvailability } from '@fairlead/lab';
import { expect, test } from 'vitest';
import { CONTEXTS, PAGES, startRealProxies, visitThroughRealProxies } from './contexts.js';

const all = [
  chromiumAvailability(),
  ...(['squid', 'microsocks', 'dante'] as const).map((name) => availability(name, { authenticated: true })),
];

test.skipIf(all.some(({ available }) => !available))(
  'twenty contexts with five pages each keep to one exit of squid, microsocks or dante, and nothing goes past them',
  async () => {
    const proxies = await startRealProxies();
    try {
      expect(await visitThroughRealProxies(proxies)).toEqual({
        contexts: CONTEXTS,
        pages: CONTEXTS * PAGES,
        stickyViolations: 0,
        directConnections: 0,
      });
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    }
  },
);

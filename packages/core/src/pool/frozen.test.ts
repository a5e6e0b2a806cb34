import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPool, createRouter, parseProxyList, prometheus, SessionMap } from '../index.js';
import type { Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';

const HOSTILE = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];
const word = fc.oneof(fc.constantFrom(...HOSTILE), fc.stringMatching(/^[a-z]{1,6}$/));

test('with names that other objects know, and with the prototype of all objects frozen, a pool does as ever', async () => {
  // For this file alone: each has a worker of its own.
  Object.freeze(Object.prototype);
  const ways = fc.record({ session: word, label: word, tag: word, host: word, code: word, name: word });
  await fc.assert(
    fc.asyncProperty(fc.array(ways, { minLength: 1, maxLength: 20 }), async (requests) => {
      const clock = manualClock();
      const proxies = requests.map(({ tag }, index) => ({ url: `http://p${index}:1`, tags: [tag], region: tag }));
      const pool = createPool({ proxies, clock, policy: { targets: [{ match: '*.rule', name: requests[0]!.name }] } });
      for (const { session, label, tag, host, code } of requests) {
        clock.advance(600_000);
        const target = `https://${host.replaceAll('_', '-').replace(/^-+|-+$/g, '')}.example/`;
        const lease = await pool.acquire({ target, session, label, tags: [tag], region: tag });
        expect(lease.endpoint.tags).toEqual([tag]);
        const outcome: Outcome = { kind: 'failure', phase: 'response', code, elapsedMs: 1, sent: 'maybe' };
        lease.settle(outcome);
        expect(pool.stats().labels[label]?.attempts).toBeGreaterThan(0);
      }
      expect(prometheus(pool)).toContain('fairlead_label_attempts_total');
      expect(pool.stats().attempts).toBe(requests.length);
      await pool.close();
    }),
  );
  const map = new SessionMap<number>();
  for (const [index, name] of HOSTILE.entries()) map.bind(name, index);
  expect(HOSTILE.map((name) => map.lookup(name))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(Object.keys(createRouter({ '*': {} }).allStats())).toEqual(['*']);
  expect(parseProxyList(HOSTILE.join('\n')).urls).toEqual([]);
  expect(() => createPool(JSON.parse('{"__proto__": {"maxInFlight": 1}}') as object)).toThrow('is not an option');
});

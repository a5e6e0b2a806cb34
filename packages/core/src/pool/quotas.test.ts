import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWindow, useWindow, windowOpensAt } from '../ledger/windows.js';
import type { Outcome } from '../outcome.js';
import type { ProxyOptions } from '../endpoint.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import type { LocalPoolOptions } from './options.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 5 };

function setUp(proxies: readonly (string | ProxyOptions)[], options: LocalPoolOptions = {}) {
  const clock = manualClock();
  const pool = createPool({ proxies, clock, random: seededRandom(1), ...options });
  const use = async (request: object = {}) => {
    const lease = await pool.acquire({ target, ...request });
    lease.settle(ok);
    return lease.endpoint.id;
  };
  return { clock, pool, use, ids: pool.stats().endpoints.map(({ id }) => id) };
}

test('an endpoint that has carried its requests rests until its list names it again', async () => {
  const proxies = [{ url: 'http://a:1', maxRequests: 3 }];
  const { pool, use, ids } = setUp(proxies);
  const told: unknown[] = [];
  pool.on('spent', (event) => told.push(event));
  for (let turn = 0; turn < 3; turn += 1) await use();
  await expect(use()).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' });
  expect(told).toEqual([{ endpoint: ids[0], why: 'requests' }]);
  expect(pool.stats().proxies).toMatchObject({ total: 1, healthy: 0, spent: 1, held: 0 });
  pool.update({ proxies });
  expect(await use()).toBe(ids[0]);
});

test('resuming an endpoint gives it its requests back, and others serve meanwhile', async () => {
  const { pool, use, ids } = setUp([{ url: 'http://a:1', maxRequests: 1 }, 'http://b:1']);
  await use({ endpoint: ids[0] });
  for (let turn = 0; turn < 5; turn += 1) expect(await use()).toBe(ids[1]);
  expect(pool.resume(ids[0]!)).toBe(true);
  expect(await use({ endpoint: ids[0] })).toBe(ids[0]);
});

test('what an operator holds stays held when a list is refreshed', async () => {
  const proxies = [{ url: 'http://a:1', maxRequests: 1 }, 'http://b:1'];
  const { pool, use, ids } = setUp(proxies);
  pool.hold(ids[0]!);
  pool.update({ proxies });
  expect(await use()).toBe(ids[1]);
  expect(pool.stats().proxies.held).toBe(1);
});

test('a window lets so many requests through in any span, then the endpoint is passed over, then waited for', async () => {
  const { clock, pool, use, ids } = setUp([{ url: 'http://a:1', rate: { requests: 2, perMs: 1000 } }, 'http://b:1']);
  await use({ endpoint: ids[0] });
  clock.advance(300);
  await use({ endpoint: ids[0] });
  for (let turn = 0; turn < 5; turn += 1) expect(await use()).toBe(ids[1]);
  expect(pool.explain({ target }).endpoints.find(({ id }) => id === ids[0])?.why).toBe('paced');
  const waiting = use({ endpoint: ids[0] });
  clock.advance(699);
  expect(pool.stats().tasks).toMatchObject({ delayed: 1, pending: 0 });
  clock.advance(1);
  await waiting;
  expect(pool.stats().waiting).toBe(0);
});

test('a window holds over all targets, for whoever began before it was set, and across a reload', async () => {
  const proxies = [{ url: 'http://a:1', rate: { requests: 1, perMs: 1000 } }];
  const { clock, pool, use } = setUp(['http://a:1']);
  const early = pool.begin({ target: 'https://other.example' });
  pool.update({ proxies });
  await use();
  pool.update({ proxies });
  expect(early.tryNext()).toBeUndefined();
  clock.advance(1000);
  expect(early.tryNext()).toBeDefined();
});

test('a session waits for the window of its exit, and does not leave it', async () => {
  const { clock, pool, use, ids } = setUp([{ url: 'http://a:1', rate: { requests: 1, perMs: 1000 } }, 'http://b:1']);
  pool.sessions.bind('s', ids[0]!);
  await use({ session: 's' });
  const waiting = use({ session: 's' });
  clock.advance(1000);
  expect(await waiting).toBe(ids[0]);
});

test('a window never lets more through in any span than it may, whatever the times', () => {
  const run = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 80 }));
  fc.assert(
    fc.property(run, ([requests, gaps]) => {
      const window = createWindow(requests, 1000);
      const uses: number[] = [];
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        const within = uses.filter((at) => now - at < 1000).length;
        expect(windowOpensAt(window) <= now).toBe(within < requests);
        if (windowOpensAt(window) > now) continue;
        useWindow(window, now);
        uses.push(now);
      }
    }),
  );
});

test('an endpoint, a target and a session each end with the bytes they may move', async () => {
  const { pool, use, ids } = setUp([{ url: 'http://a:1', maxBytes: 1000 }, 'http://b:1'], {
    policy: { bytes: { perSession: 500 }, targets: [{ match: 'dear.example', bytes: { perTarget: 800 } }] },
  });
  const told: string[] = [];
  pool.on('spent', ({ why }) => told.push(why));
  pool.on('session-spent', ({ session }) => told.push(session));
  pool.on('suspended', ({ target: which, why }) => told.push(`${which} ${why}`));
  pool.countBytes({ endpoint: ids[1]!, target: 'dear.example', session: 's' }, 499);
  await use({ session: 's' });
  pool.countBytes({ endpoint: ids[1]!, target, session: 's' }, 1);
  await expect(use({ session: 's' })).rejects.toMatchObject({ code: 'BUDGET_SPENT' });
  pool.countBytes({ endpoint: ids[1]!, target: 'dear.example' }, 301);
  await expect(pool.acquire({ target: 'dear.example' })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
  pool.countBytes({ endpoint: ids[0]!, target }, 1000);
  expect(await use()).toBe(ids[1]);
  expect(told).toEqual(['s', 'dear.example bytes', 'bytes']);
  expect(pool.stats()).toMatchObject({ bytes: 1801, endpoints: [{ bytes: 1000 }, { bytes: 801 }] });
  expect(pool.resumeTarget('dear.example')).toBe(true);
  (await pool.acquire({ target: 'dear.example' })).settle(ok);
  pool.sessions.unbind('s');
  await use({ session: 's' });
});

test.each([
  [{ rate: { requests: 0, perMs: 1 } }, 'proxies[0].rate.requests'],
  [{ rate: { requests: 1e9, perMs: 1 } }, 'proxies[0].rate.requests'],
  [{ rate: { request: 1 } }, "did you mean 'requests'?"],
  [{ maxRequests: 0 }, 'proxies[0].maxRequests'],
  [{ maxBytes: -1 }, 'proxies[0].maxBytes'],
])('%j is refused by name', (wrong, text) => {
  expect(() => createPool({ proxies: [{ url: 'http://a:1', ...wrong } as never] })).toThrow(text);
});

test('a wrong count of bytes is refused', () => {
  const { pool, ids } = setUp(['http://a:1']);
  for (const bytes of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => pool.countBytes({ endpoint: ids[0]!, target }, bytes)).toThrow('bytes');
  }
});

test('what all proxies have in common is said once, and one may say otherwise', () => {
  const { pool, ids } = setUp(['http://a:1', { url: 'http://b:1', maxInFlight: 2 }], {
    proxyDefaults: { maxInFlight: 1, country: 'de' },
  });
  const places = (id: (typeof ids)[number]) => {
    for (let count = 0; ; count += 1)
      if (pool.tryAcquire({ target, endpoint: id, country: 'DE' }) === undefined) return count;
  };
  expect(places(ids[0]!)).toBe(1);
  expect(() => createPool({ proxyDefaults: { url: 'http://a:1' } as never })).toThrow('proxyDefaults.url');
});

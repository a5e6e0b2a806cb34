import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';
import { attemptLog } from './attempt-log.js';
import { createPool } from './pool.js';
import { createRouter } from './router.js';
import { summaryLog } from './summary-log.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 20 };

test("an inspection of a lease or a run shows what is its holder's, and no credential", async () => {
  const pool = createPool({ proxies: ['http://canary-user:canary-pass@a:1'] });
  const run = pool.begin({ target, session: 's' });
  const lease = await run.next();
  const keys = (value: object) => Object.keys(value).toSorted();
  expect(keys(lease)).toEqual(['abandonAfterMs', 'endpoint', 'id', 'since', 'target']);
  expect(keys(run)).toEqual(['deadline', 'policy', 'request', 'target', 'tried']);
  for (const value of [lease, run, pool, pool.sessions]) {
    expect(inspect(value, { depth: 10, showHidden: true })).not.toMatch(/canary/);
    expect(JSON.stringify(value) ?? '').not.toMatch(/canary/);
  }
});

test('a line about the pool is written every so often, under its name, until the pool is closed', async () => {
  const clock = manualClock();
  const pool = createPool({ name: 'shop', proxies: ['http://a:1', 'http://b:1'], clock });
  const lines: string[] = [];
  summaryLog(pool, (line) => lines.push(line), { everyMs: 10_000 });
  pool.hold(pool.stats().endpoints[1]!.id);
  for (let turn = 0; turn < 12; turn += 1) (await pool.acquire({ target })).settle(ok);
  clock.advance(10_000);
  expect(lines).toEqual([
    '[shop] 1 of 2 proxies healthy, 1 held · 0 in flight, 0 pending, 0 delayed · 0.2/s, 100.0 % good · 20 ms · 12 completed, 0 failed, 0 requeued',
  ]);
  clock.advance(60_000);
  expect(lines).toHaveLength(7);
  expect(lines.at(-1)).toContain('0.0/s, – % good · – ms');
  await pool.close();
  clock.advance(60_000);
  expect(lines).toHaveLength(7);
});

test('a sink that throws is told of and asked again', () => {
  const clock = manualClock();
  const pool = createPool({ clock });
  const told: unknown[] = [];
  pool.on('listener-error', ({ event }) => told.push(event));
  const stop = summaryLog(pool, () => {
    throw new Error('sink');
  });
  clock.advance(60_000);
  expect(told).toEqual(['summary', 'summary']);
  stop();
  clock.advance(60_000);
  expect(told).toHaveLength(2);
  expect(() => summaryLog(pool, () => undefined, { everyMs: 0 })).toThrow('everyMs');
});

test('a sink that answers with a promise is told of when that fails', async () => {
  const clock = manualClock();
  const pool = createPool({ proxies: ['http://a:1'], clock });
  const told: unknown[] = [];
  pool.on('listener-error', ({ event }) => told.push(event));
  const sink = () => Promise.reject(new Error('sink'));
  const stop = [summaryLog(pool, sink, { everyMs: 1000 }), attemptLog(pool, sink)];
  const lease = await pool.acquire({ target });
  lease.onEnd(sink);
  lease.settle(ok);
  const ended = await pool.acquire({ target });
  ended.onEnd(sink);
  clock.advance(1000);
  for (const off of stop) off();
  await pool.close();
  await Promise.resolve();
  expect(told.toSorted()).toEqual(['onEnd', 'settled', 'summary']);
});

test('a router keeps targets in pools of their own, each under its name; an unknown one is an error or the default', async () => {
  const router = createRouter({
    'slow.example': { proxies: [{ url: 'http://a:1', maxInFlight: 1 }], maxWaiting: 0 },
    '*.shop.example': { proxies: ['http://b:1'], policy: { minIntervalMs: 5000 }, name: 'shops' },
  });
  await router.acquire({ target: 'https://slow.example/' });
  await expect(router.acquire({ target: 'https://slow.example/' })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  (await router.acquire({ target: 'https://a.shop.example/' })).settle(ok);
  expect(() => router.poolFor('https://other.example')).toThrow(expect.objectContaining({ code: 'UNKNOWN_TARGET' }));
  const stats = router.allStats();
  expect(Object.values(stats).map(({ name, inFlight }) => [name, inFlight])).toEqual([
    ['slow.example', 1],
    ['shops', 0],
  ]);
  await router.close();
});

test('a target that no resolver would take is refused', () => {
  const pool = createPool({ proxies: ['http://a:1'] });
  expect(() => pool.begin({ target: `https://${'a'.repeat(100_000)}.example/` })).toThrow(
    expect.objectContaining({ code: 'INVALID_TARGET' }),
  );
});

test('of a pool that is closed no line is written', async () => {
  const clock = manualClock();
  const pool = createPool({ clock });
  await pool.close();
  const lines: string[] = [];
  summaryLog(pool, (line) => lines.push(line))();
  summaryLog(pool, (line) => lines.push(line));
  clock.advance(100_000);
  expect(lines).toEqual([]);
});

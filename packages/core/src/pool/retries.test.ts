import { expect, test } from 'vitest';
import type { Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import type { PoolOptions } from './options.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';
const unwanted: Outcome = { kind: 'response', status: 503, latencyMs: 5 };
const failure = {
  kind: 'failure',
  phase: 'proxy-connect',
  code: 'DEAD',
  elapsedMs: 1,
  sent: 'nothing',
  fault: 'endpoint',
} as const;
const dead = Object.assign(new Error('dead'), { outcome: failure });

function setUp(options: PoolOptions = {}) {
  const clock = manualClock();
  const proxies = Array.from({ length: 4 }, (_, index) => `http://p${index}:1`);
  const pool = createPool({ proxies, clock, random: seededRandom(1), ...options });
  return { clock, pool };
}

test('a run that holds an answer and then finds only dead endpoints ends with that answer', async () => {
  const { pool } = setUp();
  const answer = { status: 503, headers: {} };
  let attempts = 0;
  const result = pool.run({ target }, () => {
    attempts += 1;
    if (attempts === 1) return answer;
    throw dead;
  });
  expect(await result).toBe(answer);
  expect(attempts).toBe(4);
});

test('an answer that a client throws is held as well, and so while the pool has nobody left', async () => {
  const { pool } = setUp({ proxies: ['http://a:1', 'http://b:1'] });
  const answer = Object.assign(new Error('503'), { outcome: unwanted });
  const result = pool.run({ target }, () => {
    const [, b] = pool.stats().endpoints;
    if (b !== undefined) pool.remove(b.id);
    throw answer;
  });
  await expect(result).rejects.toBe(answer);
});

test('who calls a request off hears of that, and not of an answer held back', async () => {
  const { clock, pool } = setUp({ proxies: ['http://a:1', { url: 'http://b:1', maxInFlight: 1 }] });
  const controller = new AbortController();
  const held = await pool.acquire({ target, endpoint: pool.stats().endpoints[1]!.id });
  const result = pool.run({ target, signal: controller.signal }, () => ({ status: 503, headers: {} }));
  for (let turn = 0; turn < 10; turn += 1) await undefined;
  expect(pool.stats().waiting).toBe(1);
  controller.abort();
  await expect(result).rejects.toMatchObject({ code: 'ABORTED' });
  held.settle({ kind: 'abandoned', elapsedMs: 0 });
  clock.advance(1);
});

test('a replay that is allowed and declined costs the budget nothing; one that is sent is paid for', async () => {
  const { clock, pool } = setUp({ policy: { preset: 'rotate', retry: { budget: 0 } } });
  const told: string[] = [];
  pool.on('replayed', ({ target }) => told.push(target));
  // More than the whole reserve: were each paid for, none would be left.
  for (let turn = 0; turn < 150; turn += 1) {
    clock.advance(10_000);
    const run = pool.begin({ target: `https://t${turn}.example` });
    expect(run.report(await run.next(), unwanted)).toEqual({ kind: 'replay' });
  }
  expect([pool.stats().replayed, told]).toEqual([0, []]);
  let kind = 'replay';
  for (let turn = 0; kind === 'replay' && turn < 300; turn += 1) {
    clock.advance(10_000);
    const run = pool.begin({ target: `https://u${turn}.example` });
    kind = run.report(await run.next(), unwanted).kind;
    if (kind === 'replay') (await run.next()).settle({ kind: 'abandoned', elapsedMs: 1 });
  }
  expect([kind, pool.stats().replayed, told.length]).toEqual(['done', 100, 100]);
});

test('a hedge for which no endpoint is free costs nothing and counts as none', async () => {
  const { pool } = setUp({ proxies: ['http://a:1', 'http://b:1'], policy: { hedge: { perAttempt: 1 } } });
  const busy = await pool.acquire({ target });
  const run = pool.begin({ target });
  await run.next();
  expect(run.beside('hedge')).toBeUndefined();
  expect(pool.stats().hedged).toBe(0);
  busy.settle({ kind: 'response', status: 200, latencyMs: 1 });
  expect(run.beside('hedge')).toBeDefined();
  expect(pool.stats().hedged).toBe(1);
});

test('a hedge never sends more than the attempts that are allowed', async () => {
  const { pool } = setUp({ policy: { hedge: { perAttempt: 1 } } });
  const run = pool.begin({ target, maxAttempts: 1 });
  await run.next();
  expect(run.beside('hedge')).toBeUndefined();
});

test('what an error tells of time is a duration, whatever clock the pool reads', async () => {
  const clock = manualClock(5_000_000);
  const pool = createPool({ proxies: ['http://a:1'], clock });
  pool.suspend(target, 90_000);
  await expect(pool.acquire({ target })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED', retryAfterMs: 90_000 });
  expect(pool.explain({ target }).suspendedForMs).toBe(90_000);
  const other = 'https://other.example';
  const lease = await pool.acquire({ target: other });
  lease.settle(failure);
  const refusal = await pool.acquire({ target: other, deadlineMs: 10 }).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'POOL_EXHAUSTED', counts: { cooling: 1 } });
  expect((refusal as { retryAfterMs: number }).retryAfterMs).toBeLessThan(120_000);
});

test('a wait ends after maxWaitMs though the deadline is far, and a pause that outlasts it is told at once', async () => {
  const { clock, pool } = setUp({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }], policy: { maxWaitMs: 5000 } });
  const held = await pool.acquire({ target });
  const waiting = pool.acquire({ target, deadlineMs: 60_000 });
  const ended = expect(waiting).rejects.toMatchObject({ code: 'QUEUE_TIMEOUT' });
  clock.advance(5000);
  await ended;
  held.settle({ kind: 'response', status: 200, latencyMs: 1 });
  pool.suspend(target, 6000);
  await expect(pool.acquire({ target })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
});

test("two pools cannot share one local store: each would count in the other's rows", async () => {
  const { memoryStore } = await import('../stores/memory.js');
  const store = memoryStore();
  createPool({ store });
  expect(() => createPool({ store })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', item: 'store' }));
});

test('an endpoint that is asked for by name is waited for, whatever holds it back', async () => {
  const { clock, pool } = setUp({
    proxies: ['http://a:1', 'http://b:1'],
    policy: { preset: 'rotate', minIntervalMs: 500 },
  });
  const endpoint = pool.stats().endpoints[0]!.id;
  const next = async () => {
    const waiting = pool.acquire({ target, endpoint, deadlineMs: 3_600_000 });
    for (let turn = 0; turn < 10 && pool.stats().waiting > 0; turn += 1) {
      clock.advance(300_000);
      for (let tick = 0; tick < 5; tick += 1) await undefined;
    }
    return waiting;
  };
  (await next()).settle({ kind: 'response', status: 200, latencyMs: 1 });
  // Its pace.
  (await next()).settle({ kind: 'response', status: 429, latencyMs: 1 });
  // Its block.
  (await next()).settle(failure);
  // Its rest.
  expect((await next()).endpoint.id).toBe(endpoint);
});

test('a POST that its caller knows to be harmless twice is sent again, and a GET that is not is not', async () => {
  const { pool } = setUp({ policy: 'rotate' });
  const again = async (request: object): Promise<string> => {
    const run = pool.begin({ target, ...request });
    return run.report(await run.next(), unwanted).kind;
  };
  expect(await again({ method: 'POST' })).toBe('done');
  expect(await again({ method: 'POST', idempotent: true })).toBe('replay');
  expect(await again({ method: 'GET' })).toBe('replay');
  expect(await again({ method: 'GET', idempotent: false })).toBe('done');
});

import { expect, test } from 'vitest';
import type { FailureOutcome, Outcome } from '../outcome.js';
import { manualClock, type ManualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import type { LocalPoolOptions } from './options.js';
import { createPool, type Pool } from './pool.js';
import { prometheus } from './prometheus.js';

const target = 'https://shop.example/';
const answer = (status: number, latencyMs = 100): Outcome => ({ kind: 'response', status, latencyMs });
const failure = (code: string, sent: 'nothing' | 'maybe'): FailureOutcome => ({
  kind: 'failure',
  phase: sent === 'nothing' ? 'proxy-connect' : 'response',
  code,
  elapsedMs: 5,
  sent,
  fault: 'unclear',
});

function setUp(options: LocalPoolOptions = {}) {
  const clock = manualClock();
  const pool = createPool({ proxies: ['http://a:1'], clock, random: seededRandom(1), policy: 'relay', ...options });
  const [a] = pool.stats().endpoints.map(({ id }) => id);
  const use = async (outcome: Outcome, request: object = {}) =>
    (await pool.acquire({ target, ...request })).settle(outcome);
  return { clock, pool, use, a: a! };
}

test('throughput, success rate and latency are those of the last second, ten seconds and minute', async () => {
  const { clock, pool, use } = setUp();
  expect(pool.stats()).toMatchObject({ successRate1m: undefined, avgLatencyMs: undefined });
  for (let turn = 0; turn < 20; turn += 1) await use(answer(200, 100));
  await use(answer(503, 400));
  expect(pool.stats().throughput).toEqual({ per1s: 20, per10s: 2, per60s: 20 / 60 });
  expect(pool.stats().successRate1m).toBeCloseTo(20 / 21);
  expect(pool.stats().avgLatencyMs).toBeCloseTo(2400 / 21);
  clock.advance(5000);
  expect(pool.stats().throughput).toEqual({ per1s: 0, per10s: 2, per60s: 20 / 60 });
  clock.advance(6000);
  expect(pool.stats().throughput).toEqual({ per1s: 0, per10s: 0, per60s: 20 / 60 });
  clock.advance(60_000);
  expect(pool.stats()).toMatchObject({ throughput: { per60s: 0 }, successRate1m: undefined, succeeded: 20 });
});

test('what was called off counts neither for nor against', async () => {
  const { pool, use } = setUp();
  await use(answer(200));
  await use({ kind: 'abandoned', elapsedMs: 3 });
  expect(pool.stats()).toMatchObject({ attempts: 2, successRate1m: 1, endpoints: [{ reachable: true, errors: {} }] });
});

test('tasks are pending, delayed, completed or failed', async () => {
  const { clock, pool } = setUp({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }], maxWaiting: 2 });
  const held = await pool.acquire({ target });
  const waiting = pool.acquire({ target });
  pool.suspend('later.example', 1000);
  const later = pool.acquire({ target: 'later.example' });
  expect(pool.stats().tasks).toEqual({ pending: 1, delayed: 1, completed: 0, failed: 0 });
  held.settle(answer(200));
  (await waiting).settle(failure('CUT', 'maybe'));
  clock.advance(1000);
  (await later).settle(answer(404));
  expect(pool.stats().tasks).toEqual({ pending: 0, delayed: 0, completed: 2, failed: 1 });
  clock.advance(60_000);
  await pool.run({ target }, () => 'x');
  await expect(pool.acquire({ target, tags: ['none'] })).rejects.toThrow();
  await expect(pool.run({ target, tags: ['none'] }, () => 'x')).rejects.toThrow();
  expect(pool.stats().tasks).toMatchObject({ completed: 3, failed: 3 });
  // Of three jobs one is carried, one waits in the line, and one for room.
  const jobs = [1, 2].map(() => pool.trySubmit({ target }, () => new Promise<never>(() => undefined)));
  void pool.submit({ target }, () => 'x').catch(() => undefined);
  for (let turn = 0; turn < 5; turn += 1) await undefined;
  expect(pool.stats().tasks.pending).toBe(2);
  expect(jobs).toHaveLength(2);
  await pool.close();
});

test('a request is put off for want of a place, for a rate, or because endpoints rest; each is counted', async () => {
  const { clock, pool } = setUp({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }], maxWaiting: 0 });
  const held = pool.tryAcquire({ target })!;
  expect(pool.tryAcquire({ target })).toBeUndefined();
  expect(pool.stats()).toMatchObject({ skipped: { noPermit: 1, rateLimit: 0, cooldown: 0 }, zeroAvailable: 1 });
  held.settle(answer(200));
  pool.suspend(target, 1000);
  expect(pool.tryAcquire({ target })).toBeUndefined();
  expect(pool.stats().skipped).toEqual({ noPermit: 1, rateLimit: 1, cooldown: 0 });
  clock.advance(1000);
  pool.tryAcquire({ target })!.settle({ ...failure('DEAD', 'nothing'), fault: 'endpoint' });
  expect(pool.tryAcquire({ target })).toBeUndefined();
  expect(pool.stats()).toMatchObject({ skipped: { noPermit: 1, rateLimit: 1, cooldown: 1 }, zeroAvailable: 2 });
  expect(pool.stats().dispatched).toBe(2);
});

test('each endpoint and each target has its latencies, failures of late, refusals by the other, and whether it is reachable', async () => {
  const { clock, pool, use, a } = setUp();
  const turn = async (outcome: Outcome) => {
    clock.advance(60_000);
    await use(outcome);
  };
  for (let ms = 1; ms <= 20; ms += 1) await turn(answer(200, ms));
  await turn(answer(429));
  await turn(answer(403));
  await turn(answer(403));
  await turn(failure('ATTEMPT_TIMEOUT', 'maybe'));
  await turn({ ...failure('PROXY_CONNECT', 'nothing'), fault: 'endpoint' });
  const seen = {
    attempts: 25,
    succeeded: 20,
    inFlight: 0,
    recentTimeouts: 1,
    recentConnectErrors: 1,
    reachable: false,
    latencyP95: 100,
    errors: { 429: 1, 403: 2, ATTEMPT_TIMEOUT: 1, PROXY_CONNECT: 1 },
  };
  expect(pool.stats().endpoints).toMatchObject([
    { id: a, ...seen, refusals: { 'shop.example': { throttled: 1, denied: 2 } } },
  ]);
  expect(pool.stats().targets).toMatchObject([
    { target: 'shop.example', ...seen, breakerOpen: false, refusals: { [a]: { throttled: 1, denied: 2 } } },
  ]);
  await turn(answer(200));
  expect(pool.stats().endpoints[0]).toMatchObject({ reachable: true });
  const open = await pool.acquire({ target });
  expect(pool.stats().targets[0]).toMatchObject({ inFlight: 1 });
  open.settle(answer(200));
});

test('each picture shows all that happened before it, and none changes afterwards', async () => {
  const { pool, use } = setUp();
  await use(answer(503, 50));
  const first = pool.stats();
  const before = structuredClone(first.endpoints[0]);
  await use(answer(429, 150));
  await use(failure('READ_TIMEOUT', 'maybe'));
  const seen = { latencyP50: 50, latencyP95: 150, recentTimeouts: 1, errors: { 503: 1, 429: 1, READ_TIMEOUT: 1 } };
  const [last] = pool.stats().endpoints;
  expect(last).toMatchObject({ ...seen, refusals: { 'shop.example': { throttled: 1 } } });
  expect(pool.stats().targets[0]).toMatchObject(seen);
  expect(first.endpoints[0]).toEqual(before);
});

test('codes that reporters make up are bounded, and what may hold a secret is not shown', async () => {
  const { clock, pool, use } = setUp();
  for (let turn = 0; turn < 200; turn += 1) {
    clock.advance(60_000);
    await use(failure(turn === 0 ? 'http://user:canary@h' : `MADE_UP_${turn}`, 'maybe'));
  }
  const { errors } = pool.stats().endpoints[0]!;
  expect(Object.keys(errors)).toHaveLength(64);
  expect(JSON.stringify(pool.stats()) + prometheus(pool)).not.toMatch(/canary/);
});

test('labels are counted apart up to a bound, and the rest together', async () => {
  const { pool, use } = setUp();
  for (let turn = 0; turn < 100; turn += 1) await use(answer(200), { label: `job-${turn}` });
  await use(answer(503), { label: 'job-1' });
  const { labels } = pool.stats();
  expect(Object.keys(labels)).toHaveLength(64);
  expect(labels['job-1']).toEqual({ attempts: 2, succeeded: 1 });
  expect(labels['other']).toEqual({ attempts: 37, succeeded: 37 });
  const text = prometheus(pool);
  expect(text).toContain('fairlead_label_attempts_total{label="job-1"} 2');
  expect(text.match(/^fairlead_label_attempts_total\{/gm)).toHaveLength(64);
});

test('names that other objects know do no harm as targets, codes and labels', async () => {
  const { clock, pool, use } = setUp();
  for (const name of ['__proto__', 'constructor', 'toString']) {
    clock.advance(60_000);
    await use(failure(name, 'maybe'), { label: name });
  }
  const { labels, endpoints } = pool.stats();
  expect(Object.keys(labels)).toEqual(['__proto__', 'constructor', 'toString']);
  expect(Object.keys(endpoints[0]!.errors)).toEqual(['__proto__', 'constructor', 'toString']);
  expect(({} as Record<string, unknown>)['attempts']).toBeUndefined();
});

test('an evicted endpoint counts as dead, and not as held by anybody', async () => {
  const { clock, pool, use, a } = setUp({ constants: { evictAfter: 3 } });
  for (let turn = 0; turn < 3; turn += 1) {
    clock.advance(60_000);
    await use({ ...failure('DEAD', 'nothing'), fault: 'endpoint' });
  }
  expect(pool.stats().proxies).toMatchObject({ healthy: 0, held: 0, dead: 1 });
  // Nobody is left: that is said at once, and not at the deadline.
  await expect(use(answer(200))).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' });
  expect(pool.resume(a)).toBe(true);
  await use(answer(200));
});

test('a request that got no lease counts as failed, however it was asked for', async () => {
  const pool = createPool({ clock: manualClock() });
  const refused = { code: 'POOL_EXHAUSTED' };
  await expect(pool.acquire({ target })).rejects.toMatchObject(refused);
  await expect(pool.tenancy({ target })).rejects.toMatchObject(refused);
  await expect(pool.run({ target }, () => 'x')).rejects.toMatchObject(refused);
  expect(pool.stats().tasks).toMatchObject({ completed: 0, failed: 3 });
});

test('sessions that keep an exit are counted, and not those whose time, uses or endpoint are gone', async () => {
  const uses = async (terms: object, end: (pool: Pool, clock: ManualClock) => unknown) => {
    const clock = manualClock();
    const pool = createPool({ proxies: ['http://a:1'], clock, policy: { session: terms } });
    for (const session of ['s', 't']) {
      const lease = await pool.acquire({ target, session });
      clock.advance(100);
      lease.settle(answer(200));
    }
    end(pool, clock);
    return [pool.stats().activeSessions, pool.sessions.size];
  };
  expect(await uses({}, () => undefined)).toEqual([2, 2]);
  expect(await uses({ keep: 'ttl', ttlMs: 1000 }, (_, clock) => clock.advance(850))).toEqual([1, 2]);
  expect(await uses({ keep: 'sliding', ttlMs: 1000 }, (_, clock) => clock.advance(850))).toEqual([1, 2]);
  expect(await uses({ keep: 'count', maxUses: 1 }, () => undefined)).toEqual([0, 2]);
  expect(await uses({}, (pool) => pool.remove(pool.stats().endpoints[0]!.id))).toEqual([0, 2]);
});

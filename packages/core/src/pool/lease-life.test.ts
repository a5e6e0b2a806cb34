import { expect, test } from 'vitest';
import type { Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import type { Lease } from './lease.js';
import type { PoolOptions } from './options.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 100 };

function setUp(options: PoolOptions = {}) {
  const clock = manualClock();
  const proxies = Array.from({ length: 6 }, (_, index) => `http://p${index}:1`);
  const pool = createPool({ proxies, clock, random: seededRandom(1), ...options });
  return { clock, pool };
}

test('a lease that shows no life is taken back without blame, and its signal says so', async () => {
  const { clock, pool } = setUp({ leaseIdleMs: 5000, policy: { attemptTimeoutMs: 60_000 } });
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  const lease = await pool.acquire({ target });
  const { signal } = lease;
  clock.advance(4000);
  lease.touch();
  clock.advance(4000);
  expect(signal.aborted).toBe(false);
  clock.advance(2000);
  expect(signal.reason).toMatchObject({ code: 'LEASE_ENDED', why: 'idle' });
  expect(verdicts).toEqual(['abandoned']);
  expect(pool.stats().inFlight).toBe(0);
  expect(lease.settle(ok)).toBe(false);
});

test('an attempt past its time is aborted; what the adapter then reports says how far it had come', async () => {
  const { clock, pool } = setUp({ policy: { attemptTimeoutMs: 3000 } });
  const run = pool.begin({ target });
  const lease = await run.next();
  lease.signal.addEventListener('abort', () => {
    const decision = run.report(lease, {
      kind: 'failure',
      phase: 'proxy-connect',
      code: 'ABORTED',
      elapsedMs: 3000,
      sent: 'nothing',
      fault: 'caller',
    });
    expect(decision).toEqual({ kind: 'reroute' });
  });
  clock.advance(3001);
  expect(lease.outcome).toMatchObject({ code: 'ATTEMPT_TIMEOUT', phase: 'proxy-connect', sent: 'nothing' });
  expect(lease.verdict).toBe('unclear');
});

test('an adapter that ignores the abort loses its place all the same, a second later', async () => {
  const { clock, pool } = setUp({ policy: { attemptTimeoutMs: 3000 } });
  const lease = await pool.acquire({ target });
  clock.advance(3500);
  expect(pool.stats().inFlight).toBe(1);
  clock.advance(1000);
  expect(pool.stats().inFlight).toBe(0);
  expect(lease.outcome).toMatchObject({ kind: 'failure', code: 'ATTEMPT_TIMEOUT', sent: 'maybe' });
});

test('bytes of the answer end the impatience', async () => {
  const { clock, pool } = setUp({ policy: { attemptTimeoutMs: 3000 } });
  const lease = await pool.acquire({ target });
  lease.touch();
  clock.advance(10_000);
  expect(lease.settled).toBe(false);
});

test.each([
  ['the request', {}, { bodyDeadlineMs: 10_000 }],
  ['the policy', { policy: { bodyDeadlineMs: 10_000 } }, {}],
])('a body that drips is given up once it has taken as long as %s allows', async (_, options, request) => {
  const { clock, pool } = setUp(options);
  const ends: string[] = [];
  pool.on('lease-ended', ({ why }) => ends.push(why));
  const lease = await pool.acquire({ target, deadlineMs: 5000, ...request });
  const { signal } = lease;
  clock.advance(2000);
  for (let drip = 0; drip < 20; drip += 1) {
    lease.touch();
    expect(signal.aborted).toBe(false);
    clock.advance(500);
  }
  expect(signal.reason).toMatchObject({ why: 'abandoned' });
  lease.touch();
  clock.advance(1001);
  expect(lease.outcome).toMatchObject({ code: 'ATTEMPT_TIMEOUT', sent: 'maybe', fault: 'unclear' });
  expect([ends, pool.stats().inFlight]).toEqual([['abandoned'], 0]);
});

test('a body that is quicker than its deadline ends as ever, one that stands still is taken back before', async () => {
  const { clock, pool } = setUp({ leaseIdleMs: 3000 });
  const good = await pool.acquire({ target, bodyDeadlineMs: 10_000 });
  const idle = await pool.acquire({ target, bodyDeadlineMs: 10_000 });
  for (const lease of [good, idle]) lease.touch();
  clock.advance(2000);
  expect([good.settle(ok), good.verdict]).toEqual([true, 'success']);
  clock.advance(1000);
  expect([idle.settled, idle.verdict]).toEqual([true, 'abandoned']);
});

test('without a deadline of its own a body may take as long as it moves, and a tenancy ever', async () => {
  const { clock, pool } = setUp({ policy: { bodyDeadlineMs: 5000 } });
  const tenancy = await pool.tenancy({ target });
  const lease = await pool.acquire({ target, deadlineMs: 1000, bodyDeadlineMs: Infinity });
  for (let drip = 0; drip < 100; drip += 1) {
    lease.touch();
    tenancy.touch();
    clock.advance(30_000);
  }
  expect([lease.settled, tenancy.settled]).toEqual([false, false]);
});

test('a run goes on when an attempt hangs and takes no notice', async () => {
  const { clock, pool } = setUp({ policy: { attemptTimeoutMs: 1000 } });
  const leases: Lease[] = [];
  const result = pool.run({ target }, (lease) => {
    leases.push(lease);
    return leases.length === 1 ? new Promise<string>(() => undefined) : 'answer';
  });
  await Promise.resolve();
  clock.advance(3000);
  expect(await result).toBe('answer');
  expect(leases).toHaveLength(2);
});

test('a late attempt gets company; the first good answer wins and the other is told to stop', async () => {
  const { clock, pool } = setUp({ policy: { preset: 'rotate', hedge: { perAttempt: 1 } } });
  for (let turn = 0; turn < 400; turn += 1) {
    const lease = await pool.acquire({ target });
    clock.advance(100);
    lease.settle(ok);
  }
  const leases: Lease[] = [];
  const result = pool.run({ target }, (lease) => {
    leases.push(lease);
    return leases.length === 1 ? new Promise<string>(() => undefined) : 'second';
  });
  await Promise.resolve();
  await Promise.resolve();
  clock.advance(400);
  expect(await result).toBe('second');
  expect(pool.stats()).toMatchObject({ hedged: 1, inFlight: 0 });
  expect(leases[0]?.verdict).toBe('abandoned');
  expect(leases[0]?.signal.reason).toMatchObject({ why: 'superseded' });
});

/** A first attempt that says nothing while a second is answered, with what is told of its proxy's health meanwhile. */
async function overtaken(first: (lease: Lease) => void) {
  const { clock, pool } = setUp({ policy: { preset: 'rotate', hedge: { perAttempt: 1 } } });
  for (let turn = 0; turn < 400; turn += 1) {
    const lease = await pool.acquire({ target });
    clock.advance(100);
    lease.settle(ok);
  }
  const run = pool.begin({ target });
  const slow = (await run.next())!;
  const failures = () => pool.explain({ target }).endpoints.find(({ id }) => id === slow.endpoint.id)!.successRate;
  const before = failures();
  first(slow);
  clock.advance(run.hedgeAfterMs(slow));
  const second = (await run.beside('hedge'))!;
  run.report(second, ok);
  run.report(slow, { kind: 'abandoned', elapsedMs: clock.now() - slow.since });
  expect(slow.verdict).toBe('abandoned');
  return { before, after: failures() };
}

test('whoever was silent while the attempt beside it was answered is held for a little worse', async () => {
  const { before, after } = await overtaken(() => undefined);
  expect(after).toBeLessThan(before);
});

test('whoever showed life is not, nor is anybody whose caller went away', async () => {
  const { before, after } = await overtaken((lease) => lease.touch());
  expect(after).toBeCloseTo(before, 3);
  const { clock, pool } = setUp();
  const run = pool.begin({ target });
  const lease = await run.next();
  clock.advance(5_000);
  run.report(lease, { kind: 'abandoned', elapsedMs: 5_000 });
  expect(pool.explain({ target }).endpoints.find(({ id }) => id === lease.endpoint.id)?.why).toBe('ok');
});

test('closing tells open leases to stop', async () => {
  const { pool } = setUp();
  const lease = await pool.acquire({ target });
  const { signal } = lease;
  await pool.close();
  expect(signal.reason).toMatchObject({ why: 'closed' });
  expect(lease.settle(ok)).toBe(true);
  expect(pool.stats().inFlight).toBe(0);
});

test("an attempt is given up after its request's own time, where that is the shorter", async () => {
  const { clock, pool } = setUp({ policy: { attemptTimeoutMs: 60_000 } });
  const lease = await pool.acquire({ target, attemptTimeoutMs: 700 });
  const { signal } = lease;
  clock.advance(699);
  expect(signal.aborted).toBe(false);
  clock.advance(1);
  expect(signal.reason).toMatchObject({ why: 'abandoned' });
});

test('a request gets no more company than its policy allows, however late all of it is', async () => {
  const { clock, pool } = setUp({ policy: { preset: 'rotate', hedge: { perAttempt: 1, maxPerRequest: 2 } } });
  for (let turn = 0; turn < 400; turn += 1) {
    const lease = await pool.acquire({ target });
    clock.advance(100);
    lease.settle(ok);
  }
  const run = pool.begin({ target });
  const late = await run.next();
  const beside: unknown[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    clock.advance(run.hedgeAfterMs(late));
    beside.push(await run.beside('hedge'));
  }
  expect(beside.map((lease) => lease !== undefined)).toEqual([true, true, false, false]);
});

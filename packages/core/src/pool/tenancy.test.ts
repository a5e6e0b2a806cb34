import { expect, test } from 'vitest';
import type { FailureOutcome, Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import { attemptLog } from './attempt-log.js';
import type { PoolOptions } from './options.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';
const carried: Outcome = { kind: 'response', status: 200, latencyMs: 100, opaque: true };
const failed = (fault: FailureOutcome['fault'], code = 'PROXY_TUNNEL'): Outcome => ({
  kind: 'failure',
  phase: 'tunnel',
  code,
  elapsedMs: 5,
  sent: 'nothing',
  fault: fault!,
});

function setUp(options: PoolOptions = {}) {
  const clock = manualClock();
  const pool = createPool({ proxies: ['http://a:1', 'http://b:1'], clock, random: seededRandom(1), ...options });
  return { clock, pool };
}

test('a tenancy holds one place however much is observed, and gives it back once', async () => {
  const { pool } = setUp();
  const tenancy = await pool.tenancy({ target });
  for (let index = 0; index < 5; index += 1) tenancy.observe(carried, target);
  expect(pool.stats()).toMatchObject({ inFlight: 1, attempts: 5, succeeded: 5 });
  expect([tenancy.settle(), tenancy.settle()]).toEqual([true, false]);
  expect(pool.stats()).toMatchObject({ inFlight: 0, attempts: 5, succeeded: 5 });
  expect(pool.stats().endpoints.every(({ inFlight }) => inFlight === 0)).toBe(true);
});

test('it outlives every attempt timeout and lasts five minutes without a sign of life', async () => {
  const { clock, pool } = setUp({ policy: { attemptTimeoutMs: 1000 }, deadlineMs: 2000 });
  const tenancy = await pool.tenancy({ target });
  clock.advance(299_000);
  tenancy.touch();
  clock.advance(299_000);
  expect(tenancy.signal.aborted).toBe(false);
  clock.advance(2000);
  expect(tenancy.signal.reason).toMatchObject({ why: 'idle' });
  expect(tenancy.isTenable).toBe(false);
  expect(pool.stats().inFlight).toBe(0);
});

test('it moves when its endpoint is to blame, and when it is not tenable any more', async () => {
  const { pool } = setUp();
  const tenancy = await pool.tenancy({ target });
  expect(tenancy.observe(carried, target)).toBe('stay');
  expect(tenancy.observe(failed('endpoint'), target)).toBe('move');
  pool.hold(tenancy.endpoint.id);
  expect(tenancy.isTenable).toBe(false);
});

test('one dead host does not cost it its exit; two hosts in a row, or an exit that never carried anything, do', async () => {
  const { pool } = setUp();
  const tenancy = await pool.tenancy({ target });
  tenancy.observe(carried, target);
  expect(tenancy.observe(failed('unclear'), 'https://dead.example')).toBe('stay');
  expect(tenancy.observe(failed('unclear'), 'https://dead.example')).toBe('stay');
  tenancy.observe(carried, target);
  expect(tenancy.observe(failed('unclear'), 'https://dead.example')).toBe('stay');
  expect(tenancy.observe(failed('unclear'), 'https://other.example')).toBe('move');
  const fresh = await pool.tenancy({ target });
  expect(fresh.observe(failed('unclear'), target)).toBe('move');
});

test('that the target refused is hearsay from an exit that never carried anything, and believed from one that has', async () => {
  const { pool } = setUp();
  const tenancy = await pool.tenancy({ target });
  tenancy.observe(carried, target);
  expect(tenancy.observe(failed('target'), 'https://dead.example')).toBe('stay');
  const fresh = await pool.tenancy({ target });
  expect(fresh.observe(failed('target'), target)).toBe('move');
});

test('its connections are refused while their target is suspended, each for its own target', async () => {
  const { pool } = setUp();
  const tenancy = await pool.tenancy({ target });
  tenancy.observe({ kind: 'response', status: 429, latencyMs: 5 }, 'https://busy.example');
  expect(tenancy.refusal('https://busy.example')).toMatchObject({ code: 'TARGET_SUSPENDED' });
  expect(tenancy.refusal(target)).toBeUndefined();
});

test('what nobody could read forgives no refusal, and shows no status in the log', async () => {
  const { pool } = setUp();
  const statuses: unknown[] = [];
  attemptLog(pool, ({ status }) => statuses.push(status));
  const tenancy = await pool.tenancy({ target });
  const denied: Outcome = { kind: 'response', status: 403, latencyMs: 5 };
  for (const outcome of [denied, carried, denied, carried, denied]) tenancy.observe(outcome, target);
  expect(tenancy.refusal(target)).toMatchObject({ code: 'TARGET_SUSPENDED' });
  expect(statuses).toEqual([403, undefined, 403, undefined, 403]);
});

test('a session keeps its exit from one tenancy to the next, and loses it by a fault of the exit', async () => {
  const { pool } = setUp();
  const first = await pool.tenancy({ target, session: 'cart' });
  // An untried exit carries one at a time: the second waits until it has shown that it works.
  const waiting = pool.tenancy({ target, session: 'cart' });
  first.observe(carried, target);
  const second = await waiting;
  expect(second.endpoint.id).toBe(first.endpoint.id);
  second.observe(failed('endpoint'), target);
  expect(pool.sessions.lookup('cart')).toBeUndefined();
});

test('options that nobody reads are refused by name', async () => {
  const { pool } = setUp();
  await expect(pool.tenancy({ target }, { idelMs: 5 } as never)).rejects.toThrow("did you mean 'idleMs'");
});

import { expect, test } from 'vitest';
import type { Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import { createPool } from './pool.js';
import type { PoolOptions } from './options.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 5 };
const proxies = Array.from({ length: 8 }, (_, index) => `http://p${index}:1`);

const answered = (status: number, headers: Record<string, string> = {}): Outcome => ({
  kind: 'response',
  status,
  latencyMs: 5,
  headers: { get: (name) => headers[name] },
});

function setUp(options: PoolOptions = {}) {
  const clock = manualClock();
  const pool = createPool({ proxies, clock, random: seededRandom(1), ...options });
  return { clock, pool };
}

test('a 429 while 50 wait: none of them is sent, and those who cannot wait so long hear of it at once', async () => {
  const { clock, pool } = setUp({ maxInFlight: 1 });
  const first = await pool.acquire({ target });
  const impatient = Array.from({ length: 25 }, () => pool.acquire({ target, deadlineMs: 30_000 }));
  const patient = Array.from({ length: 25 }, () => pool.acquire({ target, deadlineMs: 3_000_000 }));
  let granted = 0;
  pool.on('leased', () => (granted += 1));
  const heard = Promise.allSettled(impatient);
  first.settle(answered(429, { 'retry-after': '120' }));
  const codes = (await heard).map((result) => (result.status === 'rejected' ? result.reason.code : 'granted'));
  expect(new Set(codes)).toEqual(new Set(['TARGET_SUSPENDED']));
  clock.advance(119_000);
  expect(granted).toBe(0);
  clock.advance(2000);
  expect(granted).toBe(1);
  for (const waiting of patient) {
    // The pace that the refusal taught holds for each endpoint.
    clock.advance(60_000);
    (await waiting).settle(ok);
  }
  expect(granted).toBe(25);
});

test('429s that were under way when the target was suspended double nothing, unless they name a time', async () => {
  const { pool } = setUp();
  const leases = await Promise.all(Array.from({ length: 4 }, () => pool.acquire({ target })));
  const lengths: number[] = [];
  pool.on('suspended', ({ forMs }) => lengths.push(forMs));
  leases[0]!.settle(answered(429));
  leases[1]!.settle(answered(429));
  leases[2]!.settle(answered(429));
  expect(lengths).toEqual([60_000]);
  leases[3]!.settle(answered(429, { 'retry-after': '300' }));
  expect(lengths).toEqual([60_000, 300_000]);
});

test('403s that were under way when the target was suspended neither double it nor count for the next', async () => {
  const { clock, pool } = setUp({ proxies: Array.from({ length: 40 }, (_, index) => `http://p${index}:1`) });
  const lengths: number[] = [];
  pool.on('suspended', ({ forMs }) => lengths.push(forMs));
  const leases = await Promise.all(Array.from({ length: 24 }, () => pool.acquire({ target })));
  for (const lease of leases.slice(0, 23)) lease.settle(answered(403));
  expect(lengths).toEqual([60_000]);
  clock.advance(59_999);
  leases[23]!.settle(answered(403));
  clock.advance(2);
  for (let turn = 0; turn < 2; turn += 1) (await pool.acquire({ target })).settle(answered(403));
  expect(lengths).toEqual([60_000]);
});

test('under respectful a 403 bars this pair, and the target is asked through others', async () => {
  const { pool } = setUp();
  const lease = await pool.acquire({ target });
  lease.settle(answered(403));
  const why = pool.explain({ target }).endpoints.find(({ id }) => id === lease.endpoint.id)?.why;
  expect(why).toBe('blocked');
  expect(
    pool.explain({ target: 'https://other.example/' }).endpoints.find(({ id }) => id === lease.endpoint.id)?.why,
  ).toBe('ok');
});

test('a single 403 does not suspend and is not tried elsewhere; the third within a minute suspends', async () => {
  const { pool } = setUp();
  const suspended: unknown[] = [];
  pool.on('suspended', ({ why }) => suspended.push(why));
  for (let turn = 0; turn < 3; turn += 1) {
    expect(suspended).toEqual([]);
    const run = pool.begin({ target });
    expect(run.report(await run.next(), answered(403))).toEqual({ kind: 'done' });
  }
  expect(suspended).toEqual(['denied']);
  await expect(pool.acquire({ target, deadlineMs: 1000 })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
});

test('other targets go on while one is suspended', async () => {
  const { pool } = setUp();
  pool.suspend(target, 'until-resumed');
  await expect(pool.acquire({ target })).rejects.toThrow('shop.example is suspended until it is resumed');
  (await pool.acquire({ target: 'https://other.example' })).settle(ok);
  expect(pool.resumeTarget(target)).toBe(true);
  expect(pool.resumeTarget(target)).toBe(false);
  (await pool.acquire({ target })).settle(ok);
});

test('under rotate a 429 goes to another endpoint and bars only this pair', async () => {
  const { pool } = setUp({ policy: 'rotate' });
  const run = pool.begin({ target });
  const first = await run.next();
  expect(run.report(first, answered(429, { 'retry-after': '100' }))).toEqual({ kind: 'replay' });
  const second = await run.next();
  expect(second.endpoint.id).not.toBe(first.endpoint.id);
  expect(pool.explain({ target }).endpoints.find(({ id }) => id === first.endpoint.id)?.why).toBe('blocked');
  expect(
    pool.explain({ target: 'https://other.example' }).endpoints.find(({ id }) => id === first.endpoint.id)?.why,
  ).toBe('ok');
});

test('under relay statuses pass through and nothing is remembered of them', async () => {
  const { pool } = setUp({ policy: 'relay' });
  for (const status of [429, 403, 403, 403, 503]) {
    const run = pool.begin({ target });
    expect(run.report(await run.next(), answered(status))).toEqual({ kind: 'done' });
  }
  (await pool.acquire({ target })).settle(ok);
});

test('404, 304, 204 and HEAD answers complete in one attempt without any penalty', async () => {
  const { pool } = setUp({ policy: 'rotate' });
  for (const status of [404, 304, 204, 301]) {
    const run = pool.begin({ target, method: 'HEAD' });
    expect(run.report(await run.next(), answered(status))).toEqual({ kind: 'done' });
  }
  expect(pool.stats()).toMatchObject({ attempts: 4, succeeded: 4, replayed: 0 });
});

test('5xx is replayed elsewhere up to the bound, and only when the method allows it', async () => {
  const { pool } = setUp();
  const decisions = async (method: string) => {
    const run = pool.begin({ target: `https://${method.toLowerCase()}.example`, method });
    const kinds = [];
    do kinds.push(run.report(await run.next(), answered(503)).kind);
    while (kinds.at(-1) === 'replay');
    return kinds;
  };
  expect(await decisions('GET')).toEqual(['replay', 'replay', 'done']);
  expect(await decisions('POST')).toEqual(['done']);
});

test('a rule gives a target its own numbers and its own name', async () => {
  const { pool } = setUp({
    policy: { targets: [{ match: '.shop.example', name: 'shop', retry: { maxAttempts: 1 } }] },
  });
  const run = pool.begin({ target: 'https://www.shop.example/x' });
  expect(run.target).toBe('shop');
  expect(run.report(await run.next(), answered(503))).toEqual({ kind: 'done' });
  pool.suspend('shop', 'until-resumed');
  await expect(pool.acquire({ target: 'https://shop.example' })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
});

test('a target is suspended and resumed by the name of its rule, also one that is no host', async () => {
  const { pool } = setUp({ policy: { targets: [{ match: '.shop.example', name: 'Shop EU' }] } });
  pool.suspend('Shop EU', 'until-resumed');
  await expect(pool.acquire({ target: 'https://shop.example' })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
  expect(pool.resumeTarget('Shop EU')).toBe(true);
  (await pool.acquire({ target: 'https://shop.example' })).settle(ok);
});

test('a target with an interval gets each endpoint no more often than that', async () => {
  const { clock, pool } = setUp({ proxies: ['http://a:1'], policy: { minIntervalMs: 1000 } });
  (await pool.acquire({ target })).settle(ok);
  const waiting = pool.acquire({ target });
  let at = -1;
  void waiting.then(() => (at = clock.now()));
  clock.advance(900);
  expect(pool.stats().waiting).toBe(1);
  clock.advance(200);
  (await waiting).settle(ok);
  expect(at).toBeGreaterThanOrEqual(1000);
});

test("a classifier's word counts, and one that throws is reported and not believed", async () => {
  let broken = false;
  const { pool } = setUp({
    classify: (outcome) => {
      if (broken) throw new Error('classifier');
      return outcome.kind === 'response' && outcome.bodyPrefix !== undefined ? 'denied' : undefined;
    },
  });
  const errors: unknown[] = [];
  pool.on('listener-error', ({ event }) => errors.push(event));
  const blocked = await pool.acquire({ target });
  blocked.settle({ kind: 'response', status: 200, latencyMs: 5, bodyPrefix: new Uint8Array() });
  expect(blocked.verdict).toBe('denied');
  broken = true;
  const fine = await pool.acquire({ target });
  fine.settle(ok);
  expect([fine.verdict, errors]).toEqual(['success', ['classify']]);
});

test('a pace that is configured no more holds nobody back', () => {
  const pool = createPool({ proxies: ['http://a:1'], clock: manualClock(), policy: { minIntervalMs: 60_000 } });
  const target = 'https://shop.example/';
  pool.tryAcquire({ target })?.settle({ kind: 'response', status: 200, latencyMs: 1 });
  expect(pool.tryAcquire({ target })).toBeUndefined();
  pool.update({ policy: { minIntervalMs: 0 } });
  expect(pool.tryAcquire({ target })).toBeDefined();
  expect(pool.explain({ target }).paceMs).toBe(0);
});

test('the pace of a path is not the pace of its host', () => {
  const policy = { targets: [{ match: 'shop.example/api', minIntervalMs: 60_000 }] };
  const pool = createPool({ proxies: ['http://a:1'], clock: manualClock(), policy });
  const once = (target: string) => {
    const lease = pool.tryAcquire({ target });
    lease?.settle({ kind: 'response', status: 200, latencyMs: 1 });
    return lease !== undefined;
  };
  const [api, page] = ['https://shop.example/api/x', 'https://shop.example/'];
  expect([api, page, api, page].map(once)).toEqual([true, true, false, true]);
});

test('a suspension that is shorter than the one that holds is told with the time that holds', () => {
  const pool = createPool({ clock: manualClock() });
  const told: number[] = [];
  pool.on('suspended', ({ forMs }) => told.push(forMs));
  pool.suspend('a.example', 5000);
  pool.suspend('a.example', 'until-resumed');
  pool.suspend('a.example', 5000);
  expect(told).toEqual([5000, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
});

test('a path that is paced holds up nobody who goes by another rule of the host', async () => {
  const clock = manualClock();
  const targets = [{ match: 'x.example/api', minIntervalMs: 60_000 }];
  const pool = createPool({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }], clock, policy: { targets } });
  pool.tryAcquire({ target: 'https://x.example/api' })!.settle({ kind: 'response', status: 200, latencyMs: 1 });
  const busy = await pool.acquire({ target: 'https://x.example/' });
  const paced = pool.acquire({ target: 'https://x.example/api', deadlineMs: 120_000 });
  const free = pool.acquire({ target: 'https://x.example/', deadlineMs: 120_000 });
  busy.settle({ kind: 'response', status: 200, latencyMs: 1 });
  (await free).settle({ kind: 'response', status: 200, latencyMs: 1 });
  clock.advance(60_000);
  expect((await paced).endpoint.id).toBe(busy.endpoint.id);
});

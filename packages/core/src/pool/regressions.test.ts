// Each of these went wrong in one of the systems that this project learned from; the name says how.
import { expect, test } from 'vitest';
import { nearestRank } from '../kernel/quantiles.js';
import type { FailureOutcome, Outcome } from '../outcome.js';
import { PRESET_NAMES } from '../policy/presets.js';
import { compileTargetPattern } from '../policy/target-rules.js';
import { leastUsed } from '../strategies/least-used.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import type { LocalPoolOptions } from './options.js';
import { createPool } from './pool.js';
import { prometheus } from './prometheus.js';

const target = 'https://shop.example/';
const answer = (status: number, headers: Record<string, string> = {}): Outcome => ({
  kind: 'response',
  status,
  latencyMs: 20,
  headers: { get: (name) => headers[name] },
});
const ok = answer(200);
const dead: FailureOutcome = {
  kind: 'failure',
  phase: 'proxy-connect',
  code: 'PROXY_CONNECT',
  elapsedMs: 10,
  sent: 'nothing',
  fault: 'endpoint',
};

function setUp(options: LocalPoolOptions = {}, count = 6) {
  const clock = manualClock();
  const proxies = Array.from({ length: count }, (_, index) => `http://p${index}:1`);
  const pool = createPool({ proxies, clock, random: seededRandom(1), ...options });
  const ids = pool.stats().endpoints.map(({ id }) => id);
  return { clock, pool, ids };
}

test.each([404, 304, 204, 301])('a %i completes in one attempt and costs nobody anything', async (status) => {
  for (const policy of ['respectful', 'rotate', 'throughput', 'sticky', 'relay'] as const) {
    const { pool } = setUp({ policy });
    const run = pool.begin({ target, method: 'HEAD' });
    const lease = await run.next();
    expect(run.report(lease, answer(status))).toEqual({ kind: 'done' });
    expect(pool.stats()).toMatchObject({ attempts: 1, succeeded: 1, requeued: 0, proxies: { healthy: 6 } });
  }
});

test.each(PRESET_NAMES)(
  "under %s a consumer's abort stops the retries, frees the place and blames nobody",
  async (policy) => {
    const { clock, pool } = setUp({ policy }, 3);
    let attempts = 0;
    for (let turn = 0; turn < 20; turn += 1) {
      clock.advance(1000);
      const controller = new AbortController();
      const { signal } = controller;
      const result = pool.run({ target, signal }, () => {
        attempts += 1;
        controller.abort();
        // What a client throws that was given the signal itself: nothing in it says whose doing it was.
        throw signal.reason;
      });
      await expect(result).rejects.toMatchObject({ code: 'ABORTED' });
    }
    expect(attempts).toBe(20);
    expect(pool.stats()).toMatchObject({ inFlight: 0, requeued: 0, proxies: { healthy: 3 } });
    expect(pool.stats().endpoints.every(({ errors }) => Object.keys(errors).length === 0)).toBe(true);
  },
);

test('two first acquires of one session share one pin', async () => {
  const { pool } = setUp();
  const both = [1, 2].map(async () => {
    const lease = await pool.acquire({ target, session: 's' });
    lease.settle(ok);
    return lease.endpoint.id;
  });
  expect(new Set(await Promise.all(both)).size).toBe(1);
  expect(pool.sessions.size).toBe(1);
});

test('a late failed lease does not unbind a newer pin', async () => {
  const { pool, ids } = setUp();
  pool.sessions.bind('s', ids[0]!);
  const late = await pool.acquire({ target, session: 's' });
  pool.sessions.bind('s', ids[1]!);
  late.settle(dead);
  expect(pool.sessions.lookup('s')).toBe(ids[1]);
});

test('a success resets the streak of failures', async () => {
  const { clock, pool, ids } = setUp({ policy: { cooldown: { failures: 3, baseMs: 1000, growth: 1, maxMs: 1000 } } });
  const use = async (outcome: Outcome) => {
    clock.advance(1);
    (await pool.acquire({ target, endpoint: ids[0]! })).settle(outcome);
  };
  for (let round = 0; round < 5; round += 1) {
    await use(ok);
    await use(dead);
    await use(dead);
  }
  expect(pool.stats().endpoints[0]?.standing).toBe('active');
});

test('a half-open endpoint admits one', async () => {
  const { clock, pool, ids } = setUp({ policy: 'sticky' }, 2);
  const at = (n: number) => ({ target: `https://t${n}.example`, endpoint: ids[0]! });
  for (let n = 0; n < 5; n += 1) (await pool.acquire(at(n))).settle(dead);
  clock.advance(30_000);
  (await pool.acquire({ target, endpoint: ids[1]! })).settle(ok);
  const granted = Array.from({ length: 10 }, (_, n) => pool.tryAcquire(at(n))).filter((lease) => lease !== undefined);
  expect(granted).toHaveLength(1);
});

test('reading stats, metrics and explanations changes nothing', async () => {
  const [read, unread] = [setUp(), setUp()];
  const trace = async ({ clock, pool }: typeof read, look: () => void) => {
    const exits: string[] = [];
    for (let turn = 0; turn < 200; turn += 1) {
      look();
      clock.advance(turn % 7 === 0 ? 5000 : 10);
      const lease = await pool.acquire({ target });
      exits.push(lease.endpoint.id);
      look();
      lease.settle(turn % 5 === 0 ? dead : ok);
    }
    return exits;
  };
  const looked = await trace(read, () => {
    read.pool.stats();
    prometheus(read.pool);
    read.pool.sessions.lookup('nobody');
  });
  expect(looked).toEqual(await trace(unread, () => undefined));
});

test('least-used counts leases that are out, and not what is merely looked at', async () => {
  const { pool } = setUp({ strategy: leastUsed() }, 3);
  const out = [];
  for (let turn = 0; turn < 3; turn += 1) {
    for (let look = 0; look < 10; look += 1) pool.stats();
    out.push(await pool.acquire({ target }));
  }
  expect(new Set(out.map(({ endpoint }) => endpoint.id)).size).toBe(3);
  out[1]!.settle(ok);
  expect((await pool.acquire({ target })).endpoint.id).toBe(out[1]!.endpoint.id);
});

test('the end of a cooldown ages the counter: after a success it takes the whole streak again', async () => {
  const { clock, pool, ids } = setUp(
    { policy: { cooldown: { failures: 3, baseMs: 1000, growth: 1, maxMs: 1000 } } },
    2,
  );
  const use = async (outcome: Outcome) => {
    clock.advance(1);
    (await pool.acquire({ target, endpoint: ids[0]! })).settle(outcome);
  };
  const standing = () => pool.stats().endpoints[0]!.standing;
  await use(ok);
  for (let failure = 0; failure < 3; failure += 1) await use(dead);
  expect(standing()).toBe('cooling');
  clock.advance(1000);
  await use(ok);
  await use(dead);
  await use(dead);
  expect(standing()).toBe('active');
});

test('retries leave out what was tried, also across a reload that brings it back', async () => {
  const { pool } = setUp({}, 3);
  const run = pool.begin({ target });
  const tried = new Set<string>();
  for (let turn = 0; turn < 3; turn += 1) {
    const lease = await run.next();
    expect(tried.has(lease.endpoint.id)).toBe(false);
    tried.add(lease.endpoint.id);
    run.report(lease, dead);
    pool.update({ proxies: [] });
    pool.update({ proxies: ['http://p0:1', 'http://p1:1', 'http://p2:1'] });
  }
  await expect(run.next()).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' });
});

test('a 429 while fifty wait: none of them is sent', async () => {
  const { clock, pool } = setUp({ maxInFlight: 1 });
  const first = await pool.acquire({ target });
  const waiting = Array.from({ length: 50 }, () => pool.acquire({ target, deadlineMs: 30_000 }).catch(() => 'refused'));
  let granted = 0;
  pool.on('leased', () => (granted += 1));
  first.settle(answer(429));
  clock.advance(31_000);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['refused']));
  expect(granted).toBe(0);
});

test.each([
  ['seconds', '120'],
  ['a date', 'Thu, 01 Jan 2026 00:02:00 GMT'],
])('a Retry-After in %s is kept', async (_, asked) => {
  const { pool } = setUp();
  (await pool.acquire({ target })).settle(answer(429, { 'retry-after': asked }));
  expect(pool.explain({ target }).suspendedForMs).toBe(120_000);
});

test('a single 403 does not suspend', async () => {
  const { pool } = setUp();
  (await pool.acquire({ target })).settle(answer(403));
  expect(pool.explain({ target }).suspendedForMs).toBeUndefined();
});

test('a paced endpoint is passed over while its peers idle', async () => {
  const { pool } = setUp({ policy: { minIntervalMs: 1000 } }, 5);
  const exits = Array.from({ length: 5 }, () => pool.tryAcquire({ target })?.endpoint.id);
  expect(new Set(exits).size).toBe(5);
});

test.each([
  [1, 1],
  [10, 10],
  [20, 19],
  [100, 95],
])('p95 of 1 to %i is the nearest rank, %i', async (count, expected) => {
  const samples = Array.from({ length: count }, (_, index) => index + 1);
  expect(nearestRank(samples, 0.95)).toBe(expected);
  const { pool } = setUp({}, 1);
  for (const latencyMs of samples)
    (await pool.acquire({ target })).settle({ kind: 'response', status: 200, latencyMs });
  expect(pool.stats().endpoints[0]?.latencyP95).toBe(expected);
});

test('cold endpoints get a bounded share: most requests go where success is known', async () => {
  const { clock, pool } = setUp({}, 200);
  const known = new Set<string>();
  for (let turn = 0; turn < 20; turn += 1) {
    const lease = await pool.acquire({ target });
    known.add(lease.endpoint.id);
    lease.settle(ok);
    clock.advance(100);
  }
  let cold = 0;
  for (let turn = 0; turn < 400; turn += 1) {
    const lease = await pool.acquire({ target });
    if (!known.has(lease.endpoint.id)) cold += 1;
    known.add(lease.endpoint.id);
    lease.settle(ok);
    clock.advance(100);
  }
  expect(cold).toBeGreaterThan(0);
  expect(cold / 400).toBeLessThan(0.2);
});

test('a reload in mid-flight keeps the counters exact', async () => {
  const { pool } = setUp({}, 4);
  const open = Array.from({ length: 4 }, () => pool.tryAcquire({ target })!);
  pool.update({ proxies: ['http://p0:1', 'http://p9:1'] });
  pool.update({ proxies: ['http://p0:1', 'http://p1:1', 'http://p2:1', 'http://p3:1'] });
  expect(pool.stats().inFlight).toBe(4);
  for (const lease of open) expect([lease.settle(ok), lease.settle(ok)]).toEqual([true, false]);
  expect(pool.stats()).toMatchObject({ inFlight: 0, attempts: 4 });
  expect(pool.stats().endpoints.every(({ inFlight }) => inFlight === 0)).toBe(true);
});

test('a client that aborts in the middle of a body leaves its endpoint up', async () => {
  const { pool, ids } = setUp({ policy: 'relay' }, 2);
  const lease = await pool.acquire({ target, endpoint: ids[0]! });
  lease.touch();
  lease.settle({ kind: 'failure', phase: 'body', code: 'ABORTED', elapsedMs: 50, sent: 'maybe', fault: 'caller' });
  expect([lease.verdict, pool.stats().proxies.healthy]).toEqual(['abandoned', 2]);
});

test('there is no second response after the first byte', async () => {
  const { pool } = setUp({ policy: 'rotate' });
  const run = pool.begin({ target });
  const lease = await run.next();
  run.delivered();
  expect(run.report(lease, { ...dead, phase: 'body', sent: 'maybe', fault: 'unclear' })).toEqual({ kind: 'done' });
});

test('an answer that streams outlives the time an attempt may take', async () => {
  const { clock, pool } = setUp({ policy: { attemptTimeoutMs: 1000 } });
  const lease = await pool.acquire({ target });
  for (let turn = 0; turn < 10; turn += 1) {
    lease.touch();
    clock.advance(30_000);
  }
  expect(lease.signal.aborted).toBe(false);
});

test('https://evil/?x=api.example.com is not api.example.com', () => {
  const matches = compileTargetPattern('api.example.com', 'match');
  for (const url of [
    'https://evil.example/?x=api.example.com',
    'https://evil.example/api.example.com',
    'https://api.example.com.evil.example/',
    'https://api.example.com@evil.example/',
  ]) {
    expect(matches(new URL(url))).toBe(false);
  }
});

test('the exposition is read by a strict parser, and its counters end in _total', async () => {
  const { pool } = setUp();
  (await pool.acquire({ target, label: 'a "quoted" label\\' })).settle(answer(503));
  const types = new Map<string, string>();
  for (const line of prometheus(pool).trimEnd().split('\n')) {
    const type = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line);
    if (type !== null) types.set(type[1]!, type[2]!);
    if (line.startsWith('#')) continue;
    const sample = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? -?\d+(?:\.\d+)?$/.exec(line);
    expect(sample, line).not.toBeNull();
    expect(types.get(sample![1]!)).toBe(sample![1]!.endsWith('_total') ? 'counter' : 'gauge');
  }
});

test('waiters are bounded, and whoever is turned away is told, and so are listeners', async () => {
  const { pool } = setUp({ maxInFlight: 1, maxWaiting: 2 });
  const told: string[] = [];
  pool.on('bound-reached', ({ what }) => told.push(what));
  await pool.acquire({ target });
  for (let turn = 0; turn < 2; turn += 1) void pool.acquire({ target }).catch(() => undefined);
  await expect(pool.acquire({ target })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  const never = () => new Promise<never>(() => undefined);
  for (let turn = 0; turn < 2; turn += 1) pool.trySubmit({ target }, never);
  expect(() => pool.trySubmit({ target }, never)).toThrow(expect.objectContaining({ code: 'QUEUE_FULL' }));
  const late = [1, 2, 3].map(() => pool.submit({ target }, never));
  await expect(late[2]).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  for (const job of late.slice(0, 2)) job.catch(() => undefined);
  expect(told).toContain('waiting');
  expect(told).toContain('jobs');
  for (let turn = 0; turn < 1000; turn += 1) pool.on('active', () => undefined);
  expect(() => pool.on('active', () => undefined)).toThrow('listeners, which is the bound');
  await pool.close();
});

test('what a run is told to have failed after its caller has gone is held against nobody', async () => {
  const { pool } = setUp();
  const controller = new AbortController();
  const run = pool.begin({ target, signal: controller.signal });
  const lease = await run.next();
  controller.abort();
  run.report(lease, {
    kind: 'failure',
    phase: 'proxy-connect',
    code: 'X',
    elapsedMs: 1,
    sent: 'maybe',
    fault: 'unclear',
  });
  expect([lease.verdict, pool.stats().proxies.cooling]).toEqual(['abandoned', 0]);
});

import { expect, test } from 'vitest';
import type { Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import { attemptLog, type AttemptRecord } from './attempt-log.js';
import type { PoolOptions } from './options.js';
import { createPool } from './pool.js';
import type { Records } from '../ports/records.js';
import { createLedger } from '../ledger/ledger.js';
import { prometheus } from './prometheus.js';
import { createRouter } from './router.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 100 };
const refused: Outcome = {
  kind: 'failure',
  phase: 'proxy-handshake',
  code: 'PROXY_AUTH',
  elapsedMs: 5,
  sent: 'nothing',
  fault: 'endpoint',
};

function setUp(options: PoolOptions = {}) {
  const clock = manualClock();
  const pool = createPool({
    proxies: ['http://canary:canary@a:1', 'http://b:1'],
    clock,
    random: seededRandom(1),
    ...options,
  });
  return { clock, pool };
}

test('an update replaces the list: what stays keeps its history, what leaves drains, counters stay exact', async () => {
  const { pool } = setUp();
  const [a, b] = pool.stats().endpoints.map(({ id }) => id);
  const open = await pool.acquire({ target, endpoint: a! });
  (await pool.acquire({ target, endpoint: b! })).settle(ok);
  pool.update({ proxies: [{ url: 'http://b:1', maxInFlight: 7 }, 'http://c:1'] });
  expect(pool.stats().endpoints.map(({ id, attempts }) => [id, attempts])).toEqual([
    [b, 1],
    ['http://c:1', 0],
  ]);
  expect(pool.stats().inFlight).toBe(1);
  open.settle(ok);
  expect(pool.stats().inFlight).toBe(0);
});

test('what was tried stays tried across a reload', async () => {
  const { pool } = setUp({ proxies: ['http://a:1', 'http://b:1'] });
  const run = pool.begin({ target });
  const first = await run.next();
  run.report(first, refused);
  pool.update({ proxies: [] });
  pool.update({ proxies: ['http://a:1', 'http://b:1'] });
  expect((await run.next()).endpoint.id).not.toBe(first.endpoint.id);
});

test.each([
  [{ store: {} }, 'store: cannot be changed while the pool works'],
  [{ clock: {} }, 'clock: cannot be changed'],
  [{ proxies: ['nonsense'] }, 'proxies[0]'],
  [{ deadlineMs: -1 }, 'deadlineMs'],
])('an update of %j is refused and changes nothing', async (changes, text) => {
  const { pool } = setUp();
  const before = pool.stats();
  expect(() => pool.update(changes as never)).toThrow(text);
  expect(pool.stats()).toEqual(before);
});

test('a run keeps the policy it began with', async () => {
  const { pool } = setUp();
  const run = pool.begin({ target });
  pool.update({ policy: 'relay' });
  expect([run.policy.preset, pool.policy.preset]).toEqual(['respectful', 'relay']);
});

test('a held endpoint is leased to nobody until it is resumed', async () => {
  const { pool } = setUp();
  const [a, b] = pool.stats().endpoints.map(({ id }) => id);
  expect([pool.hold(a!), pool.hold(a!)]).toEqual([true, false]);
  const lease = await pool.acquire({ target });
  expect(lease.endpoint.id).toBe(b);
  pool.hold(b!);
  await expect(pool.acquire({ target })).rejects.toThrow('no proxy available for shop.example: 2 held');
  expect([pool.resume(a!), pool.resume(a!)]).toEqual([true, false]);
  expect((await pool.acquire({ target })).endpoint.id).toBe(a);
});

test('everything failing alike is told once, with what it fails with', async () => {
  const { clock, pool } = setUp();
  const told: unknown[] = [];
  pool.on('pool-misconfigured', ({ code }) => told.push(code));
  for (let turn = 0; turn < 10; turn += 1) {
    clock.advance(400_000);
    (await pool.acquire({ target })).settle(refused);
  }
  expect(told).toEqual(['PROXY_AUTH']);
});

test('a job runs on past a timeout, can be cancelled, and a full queue says so', async () => {
  const { clock, pool } = setUp({ maxWaiting: 1 });
  let finish = (_value: string): void => undefined;
  const job = pool.trySubmit({ target }, () => new Promise<string>((resolve) => (finish = resolve)));
  expect(() => pool.trySubmit({ target }, () => 'x')).toThrow(expect.objectContaining({ code: 'QUEUE_FULL' }));
  const later = pool.submit({ target }, () => 'second');
  const early = job.withTimeout(1000);
  await Promise.resolve();
  clock.advance(1000);
  expect(await early).toBeUndefined();
  await Promise.resolve();
  finish('answer');
  expect(await job.withTimeout(1000)).toBe('answer');
  expect(await (await later).result).toBe('second');
});

test('a cancelled job waits no longer', async () => {
  const { pool } = setUp({ maxInFlight: 1 });
  const held = await pool.acquire({ target });
  const job = pool.trySubmit({ target }, () => 'never');
  job.cancel();
  await expect(job.result).rejects.toMatchObject({ code: 'ABORTED' });
  held.settle(ok);
  expect(pool.stats()).toMatchObject({ waiting: 0, inFlight: 0 });
});

test('a batch keeps its order', async () => {
  const { pool } = setUp();
  const requests = [1, 2, 3].map((n) => ({ target: `https://t${n}.example` }));
  const jobs = await pool.submitBatch(requests, (lease) => lease.target);
  expect(await Promise.all(jobs.map(({ result }) => result))).toEqual(['t1.example', 't2.example', 't3.example']);
});

test('a router keeps targets apart and names what it does not know', async () => {
  const router = createRouter({
    '.shop.example': { proxies: ['http://a:1'] },
    'b.example': { proxies: ['http://b:1'] },
  });
  expect(await router.run({ target: 'https://www.shop.example' }, ({ endpoint }) => endpoint.url.host)).toBe('a');
  await expect(router.acquire({ target: 'https://evil.example/?x=b.example' })).rejects.toMatchObject({
    code: 'UNKNOWN_TARGET',
  });
  expect(Object.keys(router.allStats())).toEqual(['.shop.example', 'b.example']);
  const open = createRouter({ '*': { proxies: ['http://c:1'] }, 'b.example': { proxies: ['http://b:1'] } });
  expect(open.poolFor('b.example').stats().endpoints[0]?.id).toBe('http://b:1');
  expect(open.poolFor('x.example').stats().endpoints[0]?.id).toBe('http://c:1');
  await Promise.all([router.close(), open.close()]);
});

test('the attempt log has a line per attempt, by whomever it was made', async () => {
  const { pool } = setUp();
  const lines: AttemptRecord[] = [];
  const stop = attemptLog(pool, (line) => lines.push(line));
  (await pool.acquire({ target, session: 's' })).settle({ kind: 'response', status: 429, latencyMs: 9 });
  stop();
  expect(lines).toMatchObject([
    { target: 'shop.example', session: 's', status: 429, verdict: 'throttled', suspended: true },
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/canary/);
});

test('the attempt log tells which lines are of one request, in which order, and when', async () => {
  const { pool, clock } = setUp();
  const lines: AttemptRecord[] = [];
  attemptLog(pool, (line) => lines.push(line));
  (await pool.acquire({ target })).settle(ok);
  let dead = true;
  await pool.run({ target }, () => {
    if (!dead) return { status: 200 };
    dead = false;
    throw Object.assign(new Error('no proxy there'), { outcome: refused });
  });
  expect(lines.map(({ attempt, status }) => [attempt, status])).toEqual([
    [1, 200],
    [1, undefined],
    [2, 200],
  ]);
  const [alone, first, second] = lines;
  expect(first!.requestId).toBe(second!.requestId);
  expect(first!.requestId).not.toBe(alone!.requestId);
  expect(lines.every(({ at }) => at === clock.wallNow())).toBe(true);
});

test('the exposition has a HELP and a TYPE for every metric, counters end in _total, and no credential shows', async () => {
  const { pool } = setUp();
  (await pool.acquire({ target })).settle(ok);
  (await pool.acquire({ target })).settle(refused);
  const text = prometheus(pool);
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  for (const [, name, type] of types) {
    expect(text).toContain(`# HELP ${name} `);
    expect(name!.endsWith('_total')).toBe(type === 'counter');
  }
  for (const line of text.trimEnd().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? \d+(\.\d+)?)$/);
  expect(text).not.toMatch(/canary/);
});

test('reading stats and explaining change nothing', async () => {
  const { pool } = setUp();
  (await pool.acquire({ target })).settle(ok);
  const before = JSON.stringify(pool.stats());
  pool.explain({ target, session: 'nobody' });
  expect(JSON.stringify(pool.stats())).toBe(before);
});

/** A store that says what is done to it, and closes when it is let. */
function watchedStore() {
  const calls: string[] = [];
  const [closed, letClose] = opened();
  const records: Records = {
    open: async () => {
      calls.push('open');
      return { key: 'k'.repeat(64), saved: (async function* () {})() };
    },
    push: async () => true,
    close: async () => {
      calls.push('close');
      await closed;
      calls.push('closed');
    },
  };
  return { calls, letClose, store: { name: 'watched', ledger: createLedger(), records } };
}

function opened(): [Promise<void>, () => void] {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  return [gate, open];
}

test('a second close ends no sooner than the first, also one out of the midst of it', async () => {
  const { calls, letClose, store } = watchedStore();
  const pool = createPool({ store });
  await pool.ready();
  const ends: Promise<unknown>[] = [];
  pool.on('closed', () => void ends.push(pool.close().then(() => calls.at(-1))));
  ends.push(
    pool.close().then(() => calls.at(-1)),
    pool.close().then(() => calls.at(-1)),
  );
  // A turn of the event loop is enough to end too soon.
  await new Promise((resolve) => setImmediate(resolve));
  letClose();
  expect(await Promise.all(ends)).toEqual(['closed', 'closed', 'closed']);
});

test('a router with a mistake in a later route leaves no pool behind', async () => {
  const { calls, letClose, store } = watchedStore();
  letClose();
  const wrong = (route: object) => () => createRouter({ 'a.example': { store }, 'b.example': route as never });
  expect(wrong({ proxiess: 1 })).toThrow("did you mean 'proxies'?");
  expect(wrong(null as never)).toThrow('routes[1]: must be an object of options');
  expect(calls).toEqual([]);
  const closed = new Promise<void>((resolve) => {
    store.records.close = async () => resolve();
  });
  expect(wrong({ proxies: ['nowhere'] })).toThrow('proxies[0]');
  await closed;
});

test('of one address twice in a list the first counts, at the start and later', () => {
  const proxies = [{ url: 'http://a:1', tier: 1 }, 'http://b:1', { url: 'http://a:1', tier: 9 }];
  const tiers = () => pool.stats().endpoints.map(({ id, tier }) => [id, tier]);
  const pool = createPool({ proxies });
  const wanted = [
    ['http://a:1', 1],
    ['http://b:1', 0],
  ];
  expect(tiers()).toEqual(wanted);
  pool.update({ proxies });
  expect(tiers()).toEqual(wanted);
});

import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Outcome } from '../outcome.js';
import { parseProxyList } from '../proxy-list.js';
import { parseProxyUrl } from '../proxy-url.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import { createPool } from './pool.js';
import type { PoolOptions } from './options.js';
import { createRouter } from './router.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 5 };

function setUp(options: PoolOptions = {}) {
  const clock = manualClock();
  return { clock, pool: createPool({ proxies: ['http://a:1'], clock, random: seededRandom(1), ...options }) };
}

test.each([
  {},
  { kind: 'respones', status: 200 },
  { kind: 'response', status: '200' },
  { kind: 'response', status: 429, headers: { 'retry-after': '3' } },
  { kind: 'failure', phase: 'nowhere', code: 'X', sent: 'nothing' },
])('an outcome such as %j is refused, and the lease can still be settled', async (outcome) => {
  const { pool } = setUp();
  const lease = await pool.acquire({ target });
  expect(() => lease.settle(outcome as never)).toThrow(expect.objectContaining({ code: 'INVALID_OUTCOME' }));
  expect(lease.settle(ok)).toBe(true);
  expect(pool.stats().inFlight).toBe(0);
});

test("headers of the platform's own kind, which answer null, are read", async () => {
  const { pool } = setUp();
  const headers = { get: () => null as never };
  (await pool.acquire({ target })).settle({ kind: 'response', status: 429, latencyMs: 5, headers });
  expect(pool.stats().inFlight).toBe(0);
});

test('a code that may hold a secret is repeated nowhere', async () => {
  const { clock, pool } = setUp();
  const told: unknown[] = [];
  pool.on('settled', (event) => told.push(event));
  pool.on('pool-misconfigured', (event) => told.push(event));
  for (let turn = 0; turn < 6; turn += 1) {
    clock.advance(3_600_000);
    const run = pool.begin({ target: `https://t${turn}.example/`, endpoint: pool.stats().endpoints[0]!.id });
    const code = 'connect to http://u:canary@h failed';
    const failure = {
      kind: 'failure',
      phase: 'tunnel',
      code,
      elapsedMs: 5,
      sent: 'nothing',
      fault: 'endpoint',
    } as const;
    const lease = await run.next();
    told.push(run.report(lease, failure));
    told.push(lease.outcome);
  }
  expect(told).toContainEqual({ code: 'OTHER' });
  expect(inspect(told, { depth: 10 })).not.toMatch(/canary/);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -5, '12'])(
  'a latency of %s poisons no estimate',
  async (latencyMs) => {
    const { clock, pool } = setUp();
    const lease = await pool.acquire({ target });
    clock.advance(40);
    lease.settle({ kind: 'response', status: 200, latencyMs: latencyMs as number });
    expect(lease.outcome).toMatchObject({ latencyMs: 40 });
    expect(pool.explain({ target }).endpoints[0]?.costMs).toBeGreaterThan(0);
  },
);

test('a classifier that answers no verdict is reported and not believed', async () => {
  const { pool } = setUp({ classify: () => 'ok' as never });
  const reported: unknown[] = [];
  pool.on('listener-error', ({ event }) => reported.push(event));
  const lease = await pool.acquire({ target });
  lease.settle(ok);
  expect([lease.verdict, reported]).toEqual(['success', ['classify']]);
});

test('a classifier that answers a promise is reported, and so is what that rejects with', async () => {
  const { pool } = setUp({
    classify: (async () => {
      throw new Error('later');
    }) as never,
  });
  const reported: string[] = [];
  const both = new Promise<void>((resolve) =>
    pool.on('listener-error', ({ event, error }) => {
      reported.push(`${event}: ${(error as Error).message}`);
      if (reported.length === 2) resolve();
    }),
  );
  const lease = await pool.acquire({ target });
  lease.settle(ok);
  await both;
  expect([lease.verdict, ...reported]).toEqual([
    'success',
    'classify: the classifier answered no verdict',
    'classify: later',
  ]);
});

test('a listener that answers the promise of another realm is no exception', async () => {
  const { pool } = setUp();
  const reported = new Promise((resolve) => pool.on('listener-error', ({ error }) => resolve(error)));
  pool.on('leased', () => runInNewContext('Promise.reject("far")'));
  (await pool.acquire({ target })).settle(ok);
  expect(await reported).toBe('far');
});

test('a listener whose promise rejects is an event, and an unknown event is refused by name', async () => {
  const { pool } = setUp();
  const reported = new Promise((resolve) => pool.on('listener-error', ({ event }) => resolve(event)));
  pool.on('leased', async () => {
    throw new Error('listener');
  });
  (await pool.acquire({ target })).settle(ok);
  expect(await reported).toBe('leased');
  expect(() => pool.on('setled' as never, () => undefined)).toThrow("did you mean 'settled'?");
});

test.each([{ signal: {} }, { method: 5 }, { exclude: 'a' }, { tags: [1] }, { session: '' }])(
  'a request with %j is refused by name and leaves nobody in the line',
  async (wrong) => {
    const { pool } = setUp({ maxInFlight: 1, maxWaiting: 2 });
    await pool.acquire({ target });
    await expect(pool.acquire({ target, ...wrong } as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect(pool.stats().waiting).toBe(0);
  },
);

test.each([
  ['routes', () => createRouter(null as never)],
  ['store', () => createPool({ store: null as never })],
  ['list', () => parseProxyList(undefined as never)],
  ['proxy', () => parseProxyUrl(undefined as never)],
])('%s that is none is refused by name', (item, call) => {
  expect(call).toThrow(expect.objectContaining({ name: 'ConfigurationError', message: expect.stringContaining(item) }));
});

test('a request without a function to carry it out is refused before anybody is asked', async () => {
  const { pool } = setUp();
  const refused = expect.objectContaining({ code: 'INVALID_OPTION', item: 'attempt' });
  const none = undefined as never;
  await expect(pool.run({ target }, none)).rejects.toEqual(refused);
  await expect(pool.submit({ target }, none)).rejects.toEqual(refused);
  await expect(pool.submitBatch([{ target }], none)).rejects.toEqual(refused);
  expect(() => pool.trySubmit({ target }, none)).toThrow(refused);
  expect(pool.stats().attempts).toBe(0);
});

test('a signal that cannot be listened to leaves nobody in a line', async () => {
  const { pool } = setUp({ maxInFlight: 1, maxWaiting: 1 });
  const lease = await pool.acquire({ target });
  const signal: object = {
    addEventListener: () => {
      throw new Error('deaf');
    },
    removeEventListener: () => undefined,
  };
  await expect(pool.acquire({ target, signal } as never)).rejects.toThrow('deaf');
  pool.trySubmit({ target }, () => ok);
  await expect(pool.submit({ target, signal } as never, () => ok)).rejects.toThrow('deaf');
  expect(pool.stats().tasks.pending).toBe(1);
  lease.settle(ok);
  expect(pool.stats().inFlight).toBe(1);
});

test('an endpoint that is not here cannot be forced', async () => {
  const { pool } = setUp();
  const request = { target, endpoint: 'http://z:1' as never };
  await expect(pool.acquire(request)).rejects.toMatchObject({ code: 'UNKNOWN_ENDPOINT' });
});

test('counters end with their endpoint, and the totals of the pool do not', async () => {
  const { pool } = setUp();
  (await pool.acquire({ target })).settle({ kind: 'response', status: 500, latencyMs: 7 });
  pool.remove('http://a:1' as never);
  pool.add('http://z:9');
  expect(pool.stats()).toMatchObject({ attempts: 1, endpoints: [{ attempts: 0, errors: {} }] });
});

test('a changed password is told to whoever keeps connections', () => {
  const { pool } = setUp({ proxies: ['http://u:wrong@a:1'] });
  const told: string[] = [];
  pool.on('removed', ({ endpoint }) => told.push(`left ${endpoint.url.credentials()?.password}`));
  pool.on('added', ({ endpoint }) => told.push(`came ${endpoint.url.credentials()?.password}`));
  pool.update({ proxies: ['http://u:wrong@a:1'] });
  expect(told).toEqual([]);
  pool.update({ proxies: ['http://u:right@a:1'] });
  expect(told).toEqual(['left wrong', 'came right']);
});

test('a list of 200,000 proxies fits', () => {
  const proxies = Array.from(
    { length: 200_000 },
    (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:80`,
  );
  expect(createPool({ proxies }).stats().proxies.total).toBe(200_000);
});

test('two spellings of one host are one target', async () => {
  const { pool } = setUp();
  pool.suspend('shop.example', 'until-resumed');
  await expect(pool.acquire({ target: 'http://shop.example./x' })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
  pool.suspend('plain.example:80', 'until-resumed');
  await expect(pool.acquire({ target: 'http://plain.example/' })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
});

test('after close, a run whose attempt takes no notice ends, and so does whoever waits to submit', async () => {
  const { clock, pool } = setUp({ maxWaiting: 1 });
  const job = pool.trySubmit({ target }, () => new Promise<never>(() => undefined));
  await Promise.resolve();
  const waiting = pool.submit({ target }, () => 'never');
  const ended = expect(job.result).rejects.toMatchObject({ why: 'closed' });
  await Promise.resolve();
  const refused = expect(waiting).rejects.toMatchObject({ code: 'POOL_CLOSED' });
  await pool.close();
  clock.advance(2000);
  await Promise.all([ended, refused]);
});

test('a key that holds a password is not repeated', () => {
  expect(() => createPool({ proxies: [{ 'http://u:canary@h:1': 1 } as never] })).not.toThrow(/canary/);
  expect(() => createPool({ constants: { gama: 1 } as never })).toThrow('constants.gama');
});

test('headers that throw when they are read upset nothing', async () => {
  const { pool } = setUp();
  const headers = {
    get: () => {
      throw new Error('no header');
    },
  };
  const lease = await pool.acquire({ target });
  lease.settle({ kind: 'response', status: 429, latencyMs: 5, headers });
  expect([lease.verdict, pool.stats().inFlight, pool.stats().endpoints[0]?.inFlight]).toEqual(['throttled', 0, 0]);
});

test.each([
  ['label', 'x'.repeat(1000)],
  ['label', 'a\nb'],
  ['session', 'x'.repeat(1000)],
])('a %s of any length or kind is refused', (name, value) => {
  const { pool } = setUp();
  expect(() => pool.begin({ target, [name]: value })).toThrow(`request.${name}`);
});

test('a callback that throws when its lease ends keeps no other lease from ending', async () => {
  const clock = manualClock();
  const pool = createPool({ proxies: ['http://a:1', 'http://b:1'], clock, leaseIdleMs: 1000 });
  const told: unknown[] = [];
  pool.on('listener-error', ({ event }) => told.push(event));
  for (let turn = 0; turn < 2; turn += 1) {
    const lease = await pool.acquire({ target: 'https://shop.example/' });
    lease.onEnd(() => {
      throw new Error('mine');
    });
  }
  clock.advance(10_000);
  expect([pool.stats().inFlight, told]).toEqual([0, ['onEnd', 'onEnd']]);
});

test('headers that throw under a proxy that speaks for the target leave the books in order', async () => {
  const pool = createPool({ proxies: ['http://a:1'], clock: manualClock() });
  const lease = await pool.acquire({ target: 'https://shop.example/' });
  const get = (): never => {
    throw new Error('torn');
  };
  lease.settle({ kind: 'response', status: 502, latencyMs: 1, via: 'absolute', headers: { get } });
  expect(pool.stats()).toMatchObject({ inFlight: 0, endpoints: [{ inFlight: 0 }] });
});

test('a listener that takes itself off and puts itself on again is called once for each event', () => {
  const pool = createPool({ clock: manualClock() });
  let calls = 0;
  const arm = (): void => {
    const off = pool.on('added', () => {
      calls += 1;
      if (calls > 10) throw new Error('it spins');
      off();
      arm();
    });
  };
  arm();
  pool.add('http://a:1');
  expect(calls).toBe(1);
});

test('an exit that says at once of every target that it refused is no better than a dead one', async () => {
  const { clock, pool } = setUp({ proxies: ['socks5://liar:1', 'http://honest:1'], policy: 'rotate' });
  const lie = {
    kind: 'failure',
    phase: 'tunnel',
    code: 'PROXY_TUNNEL',
    elapsedMs: 2,
    sent: 'nothing',
    fault: 'target',
  } as const;
  let lies = 0;
  for (let turn = 0; turn < 200; turn += 1) {
    const lease = await pool.acquire({ target });
    const lying = lease.endpoint.id.startsWith('socks5');
    lies += Number(lying);
    clock.advance(lying ? 2 : 400);
    lease.settle(lying ? lie : { ...ok, latencyMs: 400 });
  }
  expect(lies).toBeLessThan(20);
});

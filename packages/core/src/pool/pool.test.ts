import { expect, test } from 'vitest';
import { manualClock } from '../testing/manual-clock.js';
import type { Outcome } from '../outcome.js';
import { roundRobin } from '../strategies/round-robin.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/x';
const proxies = ['http://a:1', 'http://b:1', 'http://c:1'];
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 5 };
const refused: Outcome = {
  kind: 'failure',
  phase: 'proxy-connect',
  code: 'PROXY_CONNECT',
  elapsedMs: 1,
  sent: 'nothing',
  fault: 'endpoint',
};

test('leases go round the proxies', async () => {
  const pool = createPool({ proxies, strategy: roundRobin() });
  const hosts = [];
  for (let turn = 0; turn < 6; turn += 1) {
    const lease = await pool.acquire({ target });
    hosts.push(lease.endpoint.url.host);
    lease.settle(ok);
  }
  expect(hosts).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

test('a run goes to another proxy when nothing was sent, and never to the same twice', async () => {
  const pool = createPool({ proxies });
  const tried: string[] = [];
  const attempt = pool.run({ target }, ({ endpoint }) => {
    tried.push(endpoint.url.host);
    throw Object.assign(new Error('refused'), { outcome: refused });
  });
  await expect(attempt).rejects.toMatchObject({ code: 'RETRIES_EXHAUSTED', cause: { message: 'refused' } });
  expect(tried.toSorted()).toEqual(['a', 'b', 'c']);
});

test('a request that may have been sent is replayed only if its method allows it', async () => {
  const cut = Object.assign(new Error('cut'), {
    outcome: { ...refused, phase: 'response', sent: 'maybe', fault: 'unclear' },
  });
  const attempts = async (method: string) => {
    let count = 0;
    const pool = createPool({ proxies });
    const run = pool.run({ target, method }, () => {
      count += 1;
      throw cut;
    });
    await expect(run).rejects.toBe(cut);
    return count;
  };
  expect(await attempts('GET')).toBe(3);
  expect(await attempts('POST')).toBe(1);
});

test('a lease is settled once', async () => {
  const pool = createPool({ proxies: ['http://a:1'] });
  const lease = await pool.acquire({ target });
  expect(lease.settle(ok)).toBe(true);
  expect(lease.settle(refused)).toBe(false);
  expect(pool.stats()).toMatchObject({ attempts: 1, succeeded: 1, inFlight: 0 });
});

test('a lease disposed of unsettled gives its place back and blames nobody', async () => {
  const pool = createPool({ proxies: ['http://a:1'] });
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  const lease = await pool.acquire({ target });
  lease[Symbol.dispose]();
  expect(pool.stats().inFlight).toBe(0);
  expect(verdicts).toEqual(['abandoned']);
});

test('a caller waits for room and is served in order', async () => {
  const pool = createPool({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }] });
  const first = await pool.acquire({ target });
  const order: number[] = [];
  const waiting = [1, 2].map((n) => pool.acquire({ target }).then((lease) => (order.push(n), lease.settle(ok))));
  expect(pool.stats().waiting).toBe(2);
  first.settle(ok);
  await Promise.all(waiting);
  expect(order).toEqual([1, 2]);
});

test('a waiting caller fails at its deadline, on abort and on close', async () => {
  const clock = manualClock();
  const pool = createPool({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }], clock });
  await pool.acquire({ target });
  const late = pool.acquire({ target, deadlineMs: 100 });
  const controller = new AbortController();
  const aborted = pool.acquire({ target, signal: controller.signal });
  const closed = pool.acquire({ target });
  const expectations = [
    expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' }),
    expect(aborted).rejects.toMatchObject({ code: 'ABORTED' }),
    expect(closed).rejects.toMatchObject({ code: 'POOL_CLOSED' }),
  ];
  clock.advance(100);
  controller.abort();
  await pool.close();
  await Promise.all(expectations);
  expect(pool.stats().waiting).toBe(0);
});

test('the waiting line is bounded', async () => {
  const pool = createPool({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }], maxWaiting: 1 });
  await pool.acquire({ target });
  void pool.acquire({ target }).catch(() => undefined);
  await expect(pool.acquire({ target })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  await pool.close();
});

test('a pool of no proxies is legal, and says that it is empty', async () => {
  const pool = createPool();
  await expect(pool.acquire({ target })).rejects.toThrow('no proxy available for shop.example: the pool is empty');
});

test('a proxy added serves the next caller; one removed is leased no more and its open lease still settles', async () => {
  const pool = createPool();
  const [id] = pool.add('http://a:1', 'http://a:1');
  const lease = await pool.acquire({ target });
  expect(pool.remove(id!)).toBe(true);
  expect(pool.remove(id!)).toBe(false);
  await expect(pool.acquire({ target })).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' });
  expect(lease.settle(ok)).toBe(true);
  expect(pool.stats()).toMatchObject({ inFlight: 0, endpoints: [] });
});

test('a listener that throws harms no lease and is reported', async () => {
  const pool = createPool({ proxies });
  const reported: unknown[] = [];
  pool.on('leased', () => {
    throw new Error('listener');
  });
  pool.on('listener-error', ({ event }) => reported.push(event));
  const lease = await pool.acquire({ target });
  expect(lease.settle(ok)).toBe(true);
  expect(reported).toEqual(['leased']);
});

test('tags, a forced endpoint and exclusions narrow the choice', async () => {
  const pool = createPool({ proxies: ['http://a:1', { url: 'http://b:1', tags: ['eu'] }] });
  const [a, b] = pool.stats().endpoints.map(({ id }) => id);
  const chosen = async (request: object) => {
    const lease = await pool.acquire({ target, ...request });
    lease.settle(ok);
    return lease.endpoint.id;
  };
  expect(await chosen({ tags: ['eu'] })).toBe(b);
  expect(await chosen({ endpoint: a })).toBe(a);
  expect(await chosen({ exclude: [a] })).toBe(b);
  await expect(pool.acquire({ target, tags: ['us'] })).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' });
});

test('a caller that aborted while waiting takes no lease afterwards', async () => {
  const pool = createPool({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }] });
  const held = await pool.acquire({ target });
  const controller = new AbortController();
  const waiting = pool.acquire({ target, signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  held.settle(ok);
  expect(pool.stats()).toMatchObject({ inFlight: 0, waiting: 0 });
});

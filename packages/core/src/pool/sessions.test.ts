import { expect, test } from 'vitest';
import type { Outcome } from '../outcome.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import { createPool } from './pool.js';
import type { PolicyOptions } from '../policy/policy-options.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 5 };
const dead: Outcome = {
  kind: 'failure',
  phase: 'proxy-connect',
  code: 'PROXY_CONNECT',
  elapsedMs: 1,
  sent: 'nothing',
  fault: 'endpoint',
};
const proxies = ['http://a:1', 'http://b:1', 'http://c:1', 'http://d:1'];

function setUp(session: PolicyOptions['session'] = {}, list: Parameters<typeof createPool>[0] = { proxies }) {
  const clock = manualClock();
  const pool = createPool({ ...list, clock, random: seededRandom(1), policy: { session } });
  const use = async (name: string, request: object = {}) => {
    const lease = await pool.acquire({ target, session: name, ...request });
    lease.settle(ok);
    return lease.endpoint.id;
  };
  return { clock, pool, use };
}

test('a session keeps its exit, and others have theirs', async () => {
  const { use, pool } = setUp();
  const first = await use('s');
  for (let turn = 0; turn < 20; turn += 1) expect(await use('s')).toBe(first);
  expect(pool.sessions.lookup('s')).toBe(first);
  expect(pool.sessions.size).toBe(1);
});

test('200 concurrent first uses of a session share one pin', async () => {
  const { pool } = setUp();
  const ids = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const lease = await pool.acquire({ target, session: 's' });
      lease.settle(ok);
      return lease.endpoint.id;
    }),
  );
  expect(new Set(ids).size).toBe(1);
});

test('an exit that fails is left, and the change is told', async () => {
  const { pool, use } = setUp();
  const changes: unknown[] = [];
  pool.on('identity-changed', (change) => changes.push(change));
  const from = await use('s');
  const run = pool.begin({ target, session: 's' });
  expect(run.report(await run.next(), dead)).toEqual({ kind: 'reroute' });
  expect(pool.sessions.lookup('s')).toBeUndefined();
  const to = (await run.next()).endpoint.id;
  expect(changes).toEqual([{ session: 's', from, to }]);
  expect(to).not.toBe(from);
});

test('a late failed lease does not unbind a newer pin', async () => {
  const { pool, use } = setUp();
  const late = await pool.acquire({ target, session: 's' });
  pool.sessions.unbind('s');
  const newer = await use('s');
  late.settle(dead);
  expect(pool.sessions.lookup('s')).toBe(newer);
});

test('under ttl a pin ends by its age, under sliding by its rest', async () => {
  const aged = setUp({ keep: 'ttl', ttlMs: 1000 });
  await aged.use('s');
  aged.clock.advance(600);
  await aged.use('s');
  aged.clock.advance(600);
  expect(aged.pool.sessions.lookup('s')).toBeUndefined();
  const slid = setUp({ keep: 'sliding', ttlMs: 1000 });
  await slid.use('s');
  slid.clock.advance(600);
  await slid.use('s');
  slid.clock.advance(600);
  expect(slid.pool.sessions.lookup('s')).toBeDefined();
  slid.clock.advance(600);
  expect(slid.pool.sessions.purgeExpired()).toBe(1);
});

test('under count a pin ends by its uses', async () => {
  const { pool, use } = setUp({ keep: 'count', maxUses: 3 });
  const first = await use('s');
  expect([await use('s'), await use('s')]).toEqual([first, first]);
  expect(pool.sessions.lookup('s')).toBeUndefined();
});

test('under request no exit is kept, and per target each host has its own pin', async () => {
  const fresh = setUp({ keep: 'request' });
  await fresh.use('s');
  expect(fresh.pool.sessions.size).toBe(0);
  const each = setUp({ per: 'target' });
  await each.use('s');
  await each.use('s', { target: 'https://other.example/' });
  expect(each.pool.sessions.size).toBe(2);
});

test('under strict a session whose exit is gone fails until it is unbound', async () => {
  const { pool, use } = setUp({ contract: 'strict' });
  const first = await use('s');
  pool.hold(first);
  await expect(use('s')).rejects.toMatchObject({ code: 'SESSION_LOST' });
  pool.resume(first);
  expect(await use('s')).toBe(first);
  pool.hold(first);
  pool.sessions.unbind('s');
  expect(await use('s')).not.toBe(first);
});

test('under same-exit only a proxy with the same known exit takes over', async () => {
  const list = {
    proxies: [{ url: 'http://a:1', exit: '198.51.100.1' }, { url: 'http://b:1', exit: '198.51.100.1' }, 'http://c:1'],
  };
  const { pool, use } = setUp({ contract: 'same-exit' }, list);
  const [a, b] = pool.stats().endpoints.map(({ id }) => id);
  pool.sessions.bind('s', a!);
  pool.hold(a!);
  expect(await use('s')).toBe(b);
  pool.hold(b!);
  await expect(use('s')).rejects.toMatchObject({ code: 'SESSION_LOST' });
});

test('a session waits for its exit rather than leave it for being busy', async () => {
  const { pool } = setUp({}, { proxies: [{ url: 'http://a:1', maxInFlight: 1 }, 'http://b:1'] });
  const [a] = pool.stats().endpoints.map(({ id }) => id);
  pool.sessions.bind('s', a!);
  const held = await pool.acquire({ target, session: 's' });
  const waiting = pool.acquire({ target, session: 's' });
  expect(pool.stats().waiting).toBe(1);
  held.settle(ok);
  expect((await waiting).endpoint.id).toBe(a);
});

test('a removed exit ends its pins', async () => {
  const { pool, use } = setUp();
  const first = await use('s');
  pool.remove(first);
  expect(pool.sessions.lookup('s')).toBeUndefined();
  expect(await use('s')).not.toBe(first);
});

test('a request of a session that names another endpoint has that one, and the session keeps its own', async () => {
  const pool = createPool({ proxies: ['http://a:1', 'http://b:1'], clock: manualClock() });
  const [a, b] = pool.stats().endpoints.map(({ id }) => id);
  pool.sessions.bind('s', a!);
  const lease = await pool.acquire({ target: 'https://shop.example/', session: 's', endpoint: b! });
  expect(lease.endpoint.id).toBe(b);
  lease.settle({
    kind: 'failure',
    phase: 'proxy-connect',
    code: 'X',
    elapsedMs: 1,
    sent: 'nothing',
    fault: 'endpoint',
  });
  expect(pool.sessions.lookup('s')).toBe(a);
});

test('where the contract keeps one exit, a request that names another fails', async () => {
  const policy = { session: { contract: 'strict' } } as const;
  const pool = createPool({ proxies: ['http://a:1', 'http://b:1'], clock: manualClock(), policy });
  const [a, b] = pool.stats().endpoints.map(({ id }) => id);
  pool.sessions.bind('s', a!);
  const refused = pool.acquire({ target: 'https://shop.example/', session: 's', endpoint: b! });
  await expect(refused).rejects.toMatchObject({ code: 'SESSION_LOST' });
  expect(pool.sessions.lookup('s')).toBe(a);
});

test.each([
  ['request', { keep: 'request' }],
  ['count', { keep: 'count', maxUses: 1 }],
] as const)('under %s the exits of a session take turns', async (_, terms) => {
  const { pool, use } = setUp(terms);
  const seen: string[] = [];
  for (let turn = 0; turn < 8; turn += 1) seen.push(await use('s'));
  expect(new Set(seen.slice(0, 4)).size).toBe(4);
  expect(seen.slice(4)).toEqual(seen.slice(0, 4));
  // Where there is but one it serves again.
  pool.update({ proxies: [proxies[0]!] });
  expect([await use('s'), await use('s')]).toEqual([await use('other'), await use('s')]);
});

test('when its time is over a session takes another exit', async () => {
  const { clock, use } = setUp({ keep: 'ttl', ttlMs: 1000 });
  const first = await use('s');
  clock.advance(1001);
  expect(await use('s')).not.toBe(first);
});

test('no pin outlives maxMs, however often it is used', async () => {
  const { clock, pool, use } = setUp({ keep: 'sliding', ttlMs: 1000, maxMs: 1500 });
  await use('s');
  clock.advance(800);
  await use('s');
  clock.advance(699);
  expect(pool.sessions.lookup('s')).toBeDefined();
  clock.advance(1);
  expect(pool.sessions.lookup('s')).toBeUndefined();
});

test("a session under a named rule is found, bound and unbound by any of the rule's hosts, and by its name", async () => {
  const rule = { match: '*.shop.example', name: 'Shop EU', session: { per: 'target', contract: 'strict' } } as const;
  const pool = createPool({ proxies, clock: manualClock(), random: seededRandom(1), policy: { targets: [rule] } });
  const { id } = pool.stats().endpoints[2]!;
  expect(pool.sessions.bind('s', id, 'https://a.shop.example/')).toBe(true);
  const lease = await pool.acquire({ target: 'https://b.shop.example/', session: 's' });
  expect([lease.endpoint.id, pool.sessions.lookup('s', 'Shop EU')]).toEqual([id, id]);
  pool.remove(id);
  await expect(pool.acquire({ target: 'https://b.shop.example/', session: 's' })).rejects.toMatchObject({
    code: 'SESSION_LOST',
  });
  expect(pool.sessions.unbind('s', 'https://c.shop.example/')).toBe(true);
  expect(await pool.acquire({ target: 'https://b.shop.example/', session: 's' })).toBeDefined();
});

test.each([
  ['under one key for all targets', {}, 's', undefined],
  ['for each target', { per: 'target' }, 's', 'a.example'],
  ['that nobody named', { per: 'target', always: true }, undefined, 'a.example'],
] as const)('events tell of a session %s as its caller named it', async (_, terms, session, at) => {
  const pool = createPool({ proxies: ['http://a:1', 'http://b:1'], clock: manualClock(), policy: { session: terms } });
  const told: unknown[] = [];
  for (const name of ['pinned', 'unpinned', 'identity-changed'] as const) {
    pool.on(name, (event) => told.push([name, event.session, event.target]));
  }
  const request = { target: 'https://a.example/', ...(session === undefined ? {} : { session }) };
  const first = await pool.acquire(request);
  first.settle({ kind: 'response', status: 200, latencyMs: 1 });
  pool.hold(first.endpoint.id);
  (await pool.acquire(request)).settle({ kind: 'response', status: 200, latencyMs: 1 });
  expect(told).toEqual(['pinned', 'unpinned', 'pinned', 'identity-changed'].map((name) => [name, session, at]));
});

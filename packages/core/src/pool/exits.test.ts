import { expect, test } from 'vitest';
import type { ProxyOptions } from '../endpoint.js';
import type { Outcome } from '../outcome.js';
import type { SessionPolicy } from '../policy/session.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 5 };

function setUp(proxies: readonly ProxyOptions[], session: Partial<SessionPolicy>) {
  const clock = manualClock();
  const pool = createPool({ proxies, clock, random: seededRandom(1), policy: { session } });
  const use = async (name?: string, where = target) => {
    const lease = await pool.acquire({ target: where, ...(name === undefined ? {} : { session: name }) });
    lease.settle(ok);
    return lease.endpoint.url.host;
  };
  const idOf = (host: string) => pool.stats().endpoints.find(({ id }) => id.includes(`//${host}:`))!.id;
  return { clock, pool, use, idOf };
}

const here = { url: 'http://de1:1', country: 'DE', exit: '192.0.2.1' };
const alike = { url: 'http://de2:1', country: 'de', exit: '192.0.2.1' };
const abroad = { url: 'http://us1:1', country: 'US' };
const unknown = { url: 'http://xx1:1' };

test("geo closed: a lost exit's place is taken in the same country or not at all", async () => {
  const { pool, use, idOf } = setUp([here, alike, abroad, unknown], { geo: 'closed' });
  const changes: string[] = [];
  pool.on('identity-changed', ({ to }) => changes.push(to));
  pool.sessions.bind('s', idOf('de1'));
  pool.hold(idOf('de1'));
  for (let turn = 0; turn < 5; turn += 1) expect(await use('s')).toBe('de2');
  expect(changes).toEqual([idOf('de2')]);
  pool.hold(idOf('de2'));
  await expect(use('s')).rejects.toMatchObject({ code: 'SESSION_LOST' });
  pool.resume(idOf('de1'));
  expect(await use('s')).toBe('de1');
});

test('geo closed: an exit whose country nobody knows is taken for no other', async () => {
  const { pool, use, idOf } = setUp([unknown, { url: 'http://xx2:1' }], { geo: 'closed' });
  pool.sessions.bind('s', idOf('xx1'));
  pool.hold(idOf('xx1'));
  await expect(use('s')).rejects.toMatchObject({ code: 'SESSION_LOST' });
});

test('geo closed: a failed exit is left for one in its country', async () => {
  const { pool, use, idOf } = setUp([here, alike, abroad], { geo: 'closed' });
  pool.sessions.bind('s', idOf('de1'));
  const run = pool.begin({ target, session: 's' });
  const failure = {
    kind: 'failure',
    phase: 'proxy-connect',
    code: 'DEAD',
    elapsedMs: 1,
    sent: 'nothing',
    fault: 'endpoint',
  };
  expect(run.report(await run.next(), failure as Outcome)).toEqual({ kind: 'reroute' });
  const second = await run.next();
  expect(second.endpoint.url.host).toBe('de2');
  second.settle(ok);
  expect(await use('s')).toBe('de2');
});

test.each<[string, Partial<SessionPolicy>, string | undefined]>([
  ['strict', { contract: 'strict' }, undefined],
  ['same-exit', { contract: 'same-exit' }, 'de2'],
  ['geo closed', { geo: 'closed' }, 'de2'],
  ['prefer', { contract: 'prefer' }, 'any'],
])('under %s a session whose exit has left the pool is not simply given another', async (_, policy, then) => {
  const { pool, use, idOf } = setUp([here, alike, abroad], policy);
  pool.sessions.bind('s', idOf('de1'));
  await use('s');
  pool.remove(idOf('de1'));
  if (then === undefined) await expect(use('s')).rejects.toMatchObject({ code: 'SESSION_LOST' });
  else if (then === 'any') await use('s');
  else expect(await use('s')).toBe(then);
  // Whoever asks for a new beginning gets one.
  pool.sessions.unbind('s');
  await use('s');
});

test('a binding that has run out is no loss: the next may be any', async () => {
  const { clock, pool, use, idOf } = setUp([here, abroad], { contract: 'strict', keep: 'ttl', ttlMs: 1000 });
  const first = await use('s');
  clock.advance(1000);
  pool.hold(idOf(first));
  expect(await use('s')).not.toBe(first);
});

test('always: requests that name no session keep one exit for each target, and others are theirs', async () => {
  const { pool, use } = setUp([here, alike, abroad], { always: true, per: 'target', keep: 'ttl', ttlMs: 300_000 });
  const exits = new Set<string>();
  for (let turn = 0; turn < 20; turn += 1) exits.add(await use());
  expect(exits.size).toBe(1);
  for (let n = 0; n < 20; n += 1) exits.add(await use(undefined, `https://t${n}.example`));
  expect(exits.size).toBeGreaterThan(1);
  expect(pool.stats().activeSessions).toBe(21);
});

test('a session that names another key by a control character is refused', async () => {
  const { use, pool } = setUp([here], {});
  await expect(use('shop.example\u0000cart')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  await expect(use('x'.repeat(1000))).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  expect(() => pool.sessions.bind('a\nb', pool.stats().endpoints[0]!.id)).toThrow('session');
});

test('endpoints are asked for by country, autonomous system, class, provider and region', async () => {
  const { pool } = setUp(
    [
      { url: 'http://a:1', country: 'DE', asn: 64500, class: 'mobile', provider: 'one', region: 'eu' },
      { url: 'http://b:1', country: 'FR', asn: 64501, class: 'residential', provider: 'two', region: 'eu' },
    ],
    {},
  );
  const chosen = async (request: object) => {
    const lease = await pool.acquire({ target, ...request });
    lease.settle(ok);
    return lease.endpoint.url.host;
  };
  for (let turn = 0; turn < 4; turn += 1) {
    expect(await chosen({ country: 'fr' })).toBe('b');
    expect(await chosen({ asn: 64500 })).toBe('a');
    expect(await chosen({ class: 'mobile' })).toBe('a');
    expect(await chosen({ provider: 'two', region: 'eu' })).toBe('b');
  }
  await expect(chosen({ country: 'DE', class: 'residential' })).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' });
  // No tag can be written that would pass for one of these.
  await expect(chosen({ tags: ['country\u0000DE'] })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  await expect(chosen({ asn: 'x' })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});

test('more words than the kernel has bits for are told apart all the same', async () => {
  const proxies = Array.from({ length: 60 }, (_, n) => ({ url: `http://p${n}:1`, tags: [`t${n}`], country: 'DE' }));
  const { pool } = setUp(proxies, {});
  for (const n of [0, 31, 59]) {
    const lease = await pool.acquire({ target, tags: [`t${n}`], country: 'de' });
    expect(lease.endpoint.url.host).toBe(`p${n}`);
    lease.settle(ok);
  }
});

test('a request for a country that waits holds up nobody who asks for none', async () => {
  const { pool } = setUp(
    [
      { url: 'http://a:1', country: 'DE', maxInFlight: 1 },
      { url: 'http://b:1', country: 'FR', maxInFlight: 1 },
    ],
    {},
  );
  const held = await Promise.all([1, 2].map(() => pool.acquire({ target })));
  const order: string[] = [];
  const german = pool.acquire({ target, country: 'DE' }).then((lease) => order.push(lease.endpoint.url.host));
  const any = pool.acquire({ target }).then((lease) => order.push(lease.endpoint.url.host));
  held.find(({ endpoint }) => endpoint.country === 'FR')!.settle(ok);
  await any;
  held.find(({ endpoint }) => endpoint.country === 'DE')!.settle(ok);
  await german;
  expect(order).toEqual(['b', 'a']);
});

test('who waits for the exit of a session goes on through another when the binding runs out', async () => {
  const proxies = [
    { url: 'http://a:1', maxInFlight: 1 },
    { url: 'http://b:1', maxInFlight: 1 },
  ];
  const { clock, pool } = setUp(proxies, { keep: 'ttl', ttlMs: 1000 });
  const first = await pool.acquire({ target, session: 's' });
  const waiting = pool.acquire({ target, session: 's' });
  clock.advance(1000);
  expect((await waiting).endpoint.id).not.toBe(first.endpoint.id);
});

test.each(['by hand', 'by a request that it does not fit'])(
  'who waits for the exit of a session goes on at once when that is taken from it %s',
  async (how) => {
    const { pool, idOf } = setUp(
      [
        { url: 'http://a:1', maxInFlight: 1, country: 'DE' },
        { url: 'http://b:1', maxInFlight: 1, country: 'FR' },
        { url: 'http://c:1', maxInFlight: 1, country: 'IT' },
      ],
      {},
    );
    pool.sessions.bind('s', idOf('a'));
    pool.tryAcquire({ target, session: 's' });
    pool.tryAcquire({ target, endpoint: idOf('c') });
    const waiting = pool.acquire({ target, session: 's' });
    expect(pool.stats().waiting).toBe(1);
    if (how === 'by hand') pool.sessions.unbind('s');
    else void pool.acquire({ target, session: 's', country: 'IT' }).catch(() => undefined);
    expect((await waiting).endpoint.id).toBe(idOf('b'));
    await pool.close();
  },
);

test.each([
  ['strict', { contract: 'strict' }],
  ['same-exit', { contract: 'same-exit' }],
  ['geo closed', { geo: 'closed' }],
] as const)('%s: an exit that left and came again is the one the session kept', async (_, terms) => {
  const list = [here, ...Array.from({ length: 5 }, (_, n) => ({ ...alike, url: `http://other${n}:1` }))];
  for (let seed = 1; seed <= 20; seed += 1) {
    const changed: unknown[] = [];
    const pool = createPool({
      proxies: list,
      clock: manualClock(),
      random: seededRandom(seed),
      policy: { session: terms },
    });
    pool.on('identity-changed', (event) => changed.push(event));
    const first = await pool.acquire({ target, session: 's' });
    first.settle(ok);
    const { id } = first.endpoint;
    pool.update({ proxies: list.filter(({ url }) => !id.startsWith(url)) });
    pool.update({ proxies: list });
    expect((await pool.acquire({ target, session: 's' })).endpoint.id).toBe(id);
    expect(pool.sessions.lookup('s')).toBe(id);
    expect(changed).toEqual([]);
  }
});

test('strict: a session waits for its exit that came again and is busy, and is lost where that now has another address', async () => {
  const { pool, use, idOf } = setUp([{ ...here, maxInFlight: 1 }, alike], { contract: 'strict' });
  pool.sessions.bind('s', idOf('de1'));
  pool.remove(idOf('de1'));
  pool.add({ ...here, maxInFlight: 1 });
  const busy = pool.tryAcquire({ target, endpoint: idOf('de1') })!;
  const waiting = use('s');
  busy.settle(ok);
  expect(await waiting).toBe('de1');
  pool.remove(idOf('de1'));
  pool.add({ ...here, exit: '192.0.2.9' });
  await expect(use('s')).rejects.toMatchObject({ code: 'SESSION_LOST' });
});

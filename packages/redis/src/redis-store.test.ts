import { readFileSync } from 'node:fs';
import { redisAvailability, startRedis, type RedisServer } from '@fairlead/lab';
import { createPool, type Lease, type Outcome, type Pool, type PoolOptions, type StoreReport } from '@fairlead/core';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RedisClient } from './port/connect.js';
import type { RedisPort } from './port/redis-port.js';
import { redisStore, tunedRedisStore, type RedisStoreOptions, type Tuning } from './redis-store.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const target = 'https://shop.example/';
const proxies = Array.from({ length: 6 }, (_, index) => ({
  url: `http://user${index}:canary-secret@p${index}.example:1`,
  maxInFlight: 2,
}));
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 80 };
const dead: Outcome = { kind: 'failure', phase: 'proxy-connect', code: 'PROXY_CONNECT', elapsedMs: 1, sent: 'nothing' };
const poolKey = 'a secret that all workers share';

let server: RedisServer;
let admin: Redis;
const { available } = redisAvailability();
let pools: Pool[] = [];
let name = '';
let count = 0;

beforeAll(async () => {
  if (!available) return;
  server = await startRedis();
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  pools = [];
});

async function worker(options: Partial<RedisStoreOptions & Tuning> = {}, more: Partial<PoolOptions> = {}) {
  const reports: StoreReport[] = [];
  const address = options.client === undefined ? { url: server.url } : {};
  const { graceMs = 100, pullMs = 50, ...own } = options;
  const store = tunedRedisStore({ ...address, pool: name, poolKey, ...own }, { graceMs, pullMs });
  const pool = createPool({ proxies, store, deadlineMs: 10_000, ...more });
  pools.push(pool);
  pool.on('store', (report) => reports.push(report));
  await pool.ready();
  return { pool, reports };
}

/** Two workers of a fresh pool. */
async function two(options: Partial<RedisStoreOptions & Tuning> = {}, more: Partial<PoolOptions> = {}) {
  count += 1;
  name = `test${count}`;
  return [await worker(options, more), await worker(options, more)] as const;
}

async function use(pool: Pool, outcome: Outcome = ok, request: object = {}) {
  const lease = await pool.acquire({ target, ...request });
  lease.settle(outcome);
  return lease.endpoint.id;
}

const clients: Record<string, () => { client: RedisClient; end: () => void }> = {
  ioredis: () => {
    const client = new Redis(server.url);
    return { client: client as unknown as RedisClient, end: () => client.disconnect() };
  },
  redis: () => {
    const client = createClient({ url: server.url });
    return { client: client as unknown as RedisClient, end: () => client.destroy() };
  },
};

describe.skipIf(!available).each(Object.keys(clients))('through a client of %s', (library) => {
  test('an endpoint on trial carries one attempt, whichever worker asks', async () => {
    const own = clients[library]!();
    const [one, other] = await two({ client: own.client });
    const held: Lease[] = [];
    for (let turn = 0; turn < proxies.length; turn += 1) {
      held.push(await (turn % 2 === 0 ? one : other).pool.acquire({ target }));
    }
    expect(new Set(held.map(({ endpoint }) => endpoint.id)).size).toBe(proxies.length);
    await expect(one.pool.acquire({ target, deadlineMs: 300 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const waiting = other.pool.acquire({ target });
    held.pop()!.settle(ok);
    (await waiting).settle(ok);
    for (const lease of held) lease.settle(ok);
    await Promise.all([one.pool.close(), other.pool.close()]);
    expect(await admin.keys(`fl1:{${name}}:l:*`)).toEqual([]);
    own.end();
  });

  test('two workers that use a session for the first time at once get one exit', async () => {
    const own = clients[library]!();
    const [one, other] = await two({ client: own.client });
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, turn) => use((turn % 2 === 0 ? one : other).pool, ok, { session: 'cart' })),
    );
    expect(new Set(ids).size).toBe(1);
    await Promise.all([one.pool.close(), other.pool.close()]);
    own.end();
  });
});

describe.skipIf(!available)('workers that share a store', () => {
  test('a 429 that one has seen suspends the target for all', async () => {
    const [one, other] = await two();
    await use(one.pool, { kind: 'response', status: 429, latencyMs: 5, headers: { get: () => '120' } });
    await expect(other.pool.acquire({ target, deadlineMs: 1_000 })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
    one.pool.resumeTarget(target);
    await vi.waitFor(() => use(other.pool), { timeout: 1_500 });
  });

  test('a suspension, a cooldown, a session and health reach the others within a second and a half', async () => {
    const [one, other] = await two({ pullMs: 1_000 });
    const suspended = new Promise((resolve) => {
      other.pool.on('suspended', resolve);
    });
    const rested = new Promise<string>((resolve) => {
      other.pool.on('cooldown', ({ endpoint }) => resolve(endpoint));
    });
    const good = await use(one.pool, ok, { session: 'cart' });
    const cooled: string[] = [];
    one.pool.on('cooldown', ({ endpoint }) => cooled.push(endpoint));
    while (cooled.length === 0) await use(one.pool, dead, { exclude: [good] });
    one.pool.suspend('other.example', 60_000);
    await suspended;
    expect(await rested).toBe(cooled[0]);
    await vi.waitFor(() => expect(other.pool.sessions.lookup('cart')).toBe(good), { timeout: 1_500 });
    const known = other.pool.stats().endpoints.find(({ id }) => id === good);
    expect(known?.standing).toBe('active');
  }, 20_000);

  test('a session moves on for all when its exit fails', async () => {
    const [one, other] = await two();
    const first = await use(one.pool, ok, { session: 'cart' });
    expect(await use(other.pool, ok, { session: 'cart' })).toBe(first);
    const lease = await other.pool.acquire({ target, session: 'cart' });
    lease.settle(dead);
    const second = await use(other.pool, ok, { session: 'cart', exclude: [first] });
    expect(second).not.toBe(first);
    expect(await use(one.pool, ok, { session: 'cart' })).toBe(second);
  });

  test('a pace holds over both', async () => {
    const policy = { preset: 'rotate' as const, minIntervalMs: 60_000 };
    const [one, other] = await two({}, { policy, proxies: proxies.slice(0, 1) });
    await use(one.pool);
    await expect(other.pool.acquire({ target, deadlineMs: 300 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('a newcomer knows what the others have learned', async () => {
    const [one] = await two();
    const good = await use(one.pool, ok, { session: 'cart' });
    one.pool.suspend('other.example', 60_000);
    await one.pool.close();
    const late = await worker();
    expect(late.pool.stats().endpoints.find(({ id }) => id === good)?.standing).toBe('active');
    expect(late.pool.sessions.lookup('cart')).toBe(good);
    const refused = late.pool.acquire({ target: 'https://other.example/', deadlineMs: 1_000 });
    await expect(refused).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
  });

  test('after a wipe the limit holds, and sessions stay where they were', async () => {
    const [one, other] = await two();
    const exit = await use(one.pool, ok, { session: 'cart' });
    const held: Lease[] = [];
    for (let turn = 0; turn < proxies.length - 1; turn += 1) held.push(await one.pool.acquire({ target }));
    const taken = new Set(held.map(({ endpoint }) => endpoint.id));
    await admin.flushall();
    const next = await other.pool.acquire({ target, exclude: [exit] });
    expect(taken.has(next.endpoint.id)).toBe(false);
    next.settle(ok);
    for (const lease of held) lease.settle(ok);
    expect(await use(other.pool, ok, { session: 'cart' })).toBe(exit);
    expect([...one.reports, ...other.reports].map(({ state }) => state)).toContain('recovering');
  });

  test('a lease that the store does not know any more is told of, and its signal aborts', async () => {
    const [one] = await two({ leaseTtlMs: 300 });
    const lost = new Promise((resolve) => {
      one.pool.on('lease-lost', resolve);
    });
    const lease = await one.pool.acquire({ target });
    for (const key of await admin.keys(`fl1:{${name}}:l:*`)) await admin.del(key);
    await lost;
    expect(lease.signal.aborted).toBe(true);
    expect(lease.settled).toBe(true);
  });

  test('an admission whose answer was lost is taken back long before its lease would end', async () => {
    const own = new Redis(server.url);
    let lose = false;
    const port: RedisPort = {
      evalSha: async (digest, keys, args) => {
        const answer = await own.evalsha(digest, keys.length, ...keys, ...args);
        // Only what was granted has to be taken back: right after the start it may be refused.
        if (!lose || !keys[1]?.includes(':t:') || (answer as unknown[])[0] !== 'ok') return answer;
        lose = false;
        return new Promise(() => undefined);
      },
      load: async (script) => String(await own.script('LOAD', script)),
      command: (command, ...args) => own.call(command, ...args),
      isUp: () => true,
      onChange: () => () => undefined,
      close: async () => own.disconnect(),
    };
    const [one] = await two({ leaseTtlMs: 60_000 });
    const lossy = await worker({ client: port, leaseTtlMs: 60_000 });
    lose = true;
    await use(lossy.pool);
    const places = async () => (await admin.keys(`fl1:{${name}}:l:*`)).length;
    await vi.waitFor(async () => expect(await places()).toBe(0), { timeout: 10_000 });
    await use(one.pool);
  }, 30_000);

  test('a lease that goes on is renewed', async () => {
    const [one] = await two({ leaseTtlMs: 300 });
    const lost: unknown[] = [];
    one.pool.on('lease-lost', (event) => lost.push(event));
    const lease = await one.pool.acquire({ target });
    const [key = ''] = await admin.keys(`fl1:{${name}}:l:*`);
    const scoreOf = async () => Number((await admin.zrange(key, '0', '-1', 'WITHSCORES'))[1]);
    const first = await scoreOf();
    await vi.waitFor(async () => expect(await scoreOf()).toBeGreaterThan(first + 300), { timeout: 5_000 });
    expect(lost).toEqual([]);
    lease.settle(ok);
  });

  test('whatever users call things, only expected keys appear, and no credential is anywhere', async () => {
    const [one] = await two({}, { policy: { session: { per: 'target' } } });
    const hostile = ['{x}:l:1', 'fl1:{x}:m', '*', '../..', '__proto__', 'constructor', 'x'.repeat(500), '😀 '];
    for (const session of hostile) await use(one.pool, ok, { session });
    one.pool.suspend('evil.example', 60_000);
    await one.pool.close();
    const id = '[0-9a-f]{32}';
    const expected = new RegExp(`^fl1:\\{${name}\\}:(m|w|q|hv|h:[0-9a-fx]|[ltb]:${id}|g:${id}:${id})$`);
    const keys = await admin.keys('fl1:*');
    const own = keys.filter((key) => key.includes(`{${name}}`));
    expect(own.length).toBeGreaterThan(5);
    expect(own.filter((key) => !expected.test(key))).toEqual([]);
    for (const key of own) {
      const dump = (await admin.dumpBuffer(key))?.toString('latin1') ?? '';
      for (const secret of ['canary-secret', 'user0', btoa('user0:canary-secret'), poolKey])
        expect(dump).not.toContain(secret);
    }
  });

  test('shards keep one limit for each endpoint and one pin for each session', async () => {
    const [one, other] = await two({ shards: 3 });
    for (let turn = 0; turn < 30; turn += 1) {
      const id = await use(one.pool, ok, { session: `s${turn % 4}` });
      expect(await use(other.pool, ok, { session: `s${turn % 4}` })).toBe(id);
    }
    const heard = new Promise((resolve) => {
      other.pool.on('suspended', resolve);
    });
    one.pool.suspend('shop.example', 60_000);
    await heard;
    await expect(other.pool.acquire({ target, deadlineMs: 1_000 })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
    const slots = new Set((await admin.keys(`fl1:{${name}*`)).map((key) => /\{(.*)\}/.exec(key)?.[1]));
    expect(slots.size).toBe(3);
  });

  test('only a store in this process can be asked without waiting', async () => {
    const [one] = await two();
    // @ts-expect-error the type says so too
    expect(() => one.pool.tryAcquire({ target })).toThrow('tryAcquire is for stores in this process');
  });
});

describe.skipIf(!available)('the account of the manual', () => {
  /** The lines of the access list that the README shows. */
  const rules = (/ACL SETUSER ([^`]+?)\n```/.exec(readme)?.[1] ?? '').trim().split(/\s+/);

  test('is enough for all that the store does', async () => {
    expect(rules.length).toBeGreaterThan(10);
    await admin.call('ACL', 'SETUSER', ...rules.map((rule) => rule.replace('<password>', 'canary')));
    const url = server.url.replace('redis://', `redis://${rules[0]}:canary@`);
    const [one, other] = await two({ url }, { policy: 'rotate' });
    const exit = await use(one.pool, ok, { session: 'cart' });
    await use(one.pool, { kind: 'response', status: 429, latencyMs: 5 }, { exclude: [exit] });
    one.pool.suspend('other.example', 60_000);
    one.pool.sessions.bind('bound', exit);
    one.pool.sessions.unbind('bound');
    await admin.flushall();
    expect(await use(other.pool, ok, { session: 'cart' })).toBe(exit);
    await one.pool.close();
    await (await worker({ url })).pool.close();
    const denied = (await admin.call('ACL', 'LOG')) as unknown[][];
    // Clients tell their names as they connect, and go on where they may not.
    expect(denied.map(String).filter((entry) => !entry.includes('client|setinfo'))).toEqual([]);
    expect([...one.reports, ...other.reports].filter(({ why }) => why.includes('NOPERM'))).toEqual([]);
  });

  test('reaches no key of anybody else', async () => {
    const other = new Redis(server.url.replace('redis://', `redis://${rules[0]}:canary@`));
    await expect(other.get('somebody:else')).rejects.toThrow('NOPERM');
    await expect(other.flushall()).rejects.toThrow('NOPERM');
    other.disconnect();
  });
});

describe.skipIf(!available)('a server that would break the promise', () => {
  test.each(['allkeys-lru', 'volatile-ttl'])('is refused: maxmemory-policy %s', async (policy) => {
    await admin.config('SET', 'maxmemory-policy', policy);
    name = 'refused';
    await expect(worker()).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('noeviction'),
    });
    expect(await admin.keys(`fl1:{${name}}*`)).toEqual([]);
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
  });

  test('is refused when it is not there', async () => {
    name = 'nobody';
    const refused = worker({ url: 'redis://127.0.0.1:1', startMs: 300 });
    await expect(refused).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  });
});

test.each([
  [{ url: 'http://x' }, 'redis://'],
  [{ url: 'redis://10.0.0.1' }, 'rediss://'],
  [{ url: 'rediss://10.0.0.1' }, 'password'],
  [{}, "or 'url'"],
  [{ url: 'redis://localhost', poolKey: 'short' }, 'secret'],
  [{ url: 'redis://localhost', pool: 'a b' }, 'word'],
  [{ url: 'redis://localhost', whenDown: 'maybe' }, 'partition'],
  [{ url: 'redis://localhost', leaseTtlMs: 99_000 }, 'whole number'],
  [{ url: 'redis://localhost', leaseTllMs: 1 }, "did you mean 'leaseTtlMs'?"],
  [{ client: { evalsha: 1, options: { host: '10.0.0.1' } } }, 'rediss://'],
  [{ client: { evalsha: 1, options: { host: '10.0.0.1', tls: {} } } }, 'password'],
  [{ client: { scriptLoad: 1, options: { socket: { host: 'redis.example', tls: true } } } }, 'password'],
  [{ client: {} }, 'neither'],
])('options that cannot be meant are refused: %j', (options, problem) => {
  expect(() => redisStore({ poolKey, ...options } as RedisStoreOptions)).toThrow(problem);
});

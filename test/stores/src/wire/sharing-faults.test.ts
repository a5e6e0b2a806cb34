import type { StoreReport } from '@fairlead/core';
import { SCRIPTS } from '@fairlead/redis/port';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { available, ok, Site, target, until, Wire } from './wire.js';

let site: Site;

beforeAll(async () => {
  if (available) site = await Site.open();
});
afterAll(() => site?.close());
beforeEach(() => site?.fresh());
afterEach(() => site?.leave());

const refuse = (): never => {
  throw new Error('LOADING Redis is loading the dataset in memory');
};

describe.skipIf(!available)('workers that disagree', () => {
  const typo = 'a secret that one of them mistyped';

  test.each([
    [{ poolKey: typo }, /another poolKey;/],
    [{ shards: 2 }, /another shards \(1 there, 2 here\);/],
    [{ leaseTtlMs: 1_000 }, /another leaseTtlMs \(10000 there, 1000 here\);/],
  ])('never share: one with %j is refused', async (options, problem) => {
    await site.worker();
    const refused = site.worker({ ...options, startMs: 300 });
    await expect(refused).rejects.toMatchObject({ code: 'STORE_UNUSABLE', message: expect.stringMatching(problem) });
  });

  test('may have other terms once those who shared the old ones have left', async () => {
    const first = await site.worker();
    await first.pool.close();
    const second = await site.worker({ leaseTtlMs: 1_000 });
    (await second.pool.acquire({ target })).settle(ok);
  });
});

describe.skipIf(!available)('a worker that has missed too much to hear it', () => {
  test('asks what stands of all that it believes', async () => {
    const [{ pool: one }, { pool: two }] = [
      await site.worker({}, {}, { graceMs: 0, pullMs: 3_000 }),
      await site.worker(),
    ];
    one.suspend(target, 'until-resumed');
    (await one.acquire({ target: 'https://other.example/', session: 'cart' })).settle(ok);
    await until(
      () => two.sessions.lookup('cart'),
      (exit) => exit !== undefined,
    );
    const feed = `fl1:{${site.name}}:hv`;
    const before = await site.admin.xlen(feed);
    two.resumeTarget(target);
    two.sessions.unbind('cart');
    await until(
      () => site.admin.xlen(feed),
      (length) => length > before,
    );
    const flood = site.admin.pipeline();
    for (let entry = 0; entry < 4_100; entry += 1) flood.xadd(feed, '*', 'w', 'f'.repeat(16), 'd', '[]');
    flood.xtrim(feed, 'MAXLEN', 4_000);
    await flood.exec();
    await until(
      () => one.sessions.lookup('cart'),
      (exit) => exit === undefined,
    );
    expect(one.sessions.lookup('cart')).toBeUndefined();
    (await one.acquire({ target })).settle(ok);
  }, 30_000);
});

describe.skipIf(!available)('while the server is there', () => {
  test.each(['partition', 'closed', 'open'] as const)('two workers are served, whenDown: %s', async (whenDown) => {
    // Longer than it takes either to hear that the other has begun anew.
    const times = { graceMs: 500, pullMs: 50 };
    const workers = [await site.worker({ whenDown }, {}, times), await site.worker({ whenDown }, {}, times)];
    for (const { pool } of [...workers, ...workers]) (await pool.acquire({ target })).settle(ok);
  });
});

describe.skipIf(!available)('a pace', () => {
  test('is kept over four workers by the clock of the server', async () => {
    const paceMs = 600;
    const wires = Array.from({ length: 4 }, () => new Wire(site.server.url));
    const more = { proxies: ['http://one.example:1'], policy: { preset: 'rotate' as const, minIntervalMs: paceMs } };
    const workers = await Promise.all(wires.map((client) => site.worker({ client }, more)));
    for (let round = 0; round < 2; round += 1) {
      for (const { pool } of workers) (await pool.acquire({ target })).settle(ok);
    }
    const grants = wires.flatMap((wire) => wire.grants).sort((a, b) => a.before - b.before);
    expect(grants).toHaveLength(8);
    const early = grants.filter((grant, index) => index > 0 && grant.before - grants[index - 1]!.after < paceMs);
    expect(early).toEqual([]);
  });
});

describe.skipIf(!available)('what others wrote', () => {
  test('is let in record by record, and never ends hearing', async () => {
    const { pool, reports } = await site.worker();
    (await pool.acquire({ target })).settle(ok);
    const bucket = await until(
      () => site.keys('h:[0-9a-f]'),
      (keys) => keys.length > 0,
    );
    const [key] = await site.admin.hkeys(bucket[0]!);
    const feed = `fl1:{${site.name}}:hv`;
    const bad = [
      { kind: 'endpoint', key, gained: null },
      { kind: 'endpoint', key, gained: { attempts: 1 }, latencyMs: 5, flags: 3, active: true, coolMs: 0 },
      { kind: 'fleet' },
      { kind: 'of a later release', name: 5 },
      7,
    ];
    const heard = new Promise((resolve) => {
      pool.on('suspended', resolve);
    });
    for (const record of bad) await site.admin.xadd(feed, '*', 'w', 'f'.repeat(16), 'd', JSON.stringify([record]));
    const other = await site.worker();
    other.pool.suspend('other.example', 60_000);
    await heard;
    expect(JSON.stringify(pool.stats())).not.toContain('NaN');
    (await pool.acquire({ target })).settle(ok);
    expect(reports.filter(({ state }) => state === 'damaged')).toEqual([]);
  });

  test('keeps no newcomer from starting', async () => {
    const first = await site.worker();
    (await first.pool.acquire({ target })).settle(ok);
    const [bucket] = await until(
      () => site.keys('h:[0-9a-f]'),
      (keys) => keys.length > 0,
    );
    const far = Date.now() + 1e6;
    await site.admin.hset(
      `fl1:{${site.name}}:h:x`,
      'fleet:bad',
      `${far} ${Date.now()} {"kind":"fleet"}`,
      'x',
      'nothing',
    );
    await site.admin.hset(bucket!, 'short', 'not packed');
    const late = await site.worker();
    (await late.pool.acquire({ target })).settle(ok);
  });

  test('is heard at once, however much there is of it and whoever wrote some of it', async () => {
    const { pool } = await site.worker({}, {}, { graceMs: 0, pullMs: 3_000, worker: '00000000000000bb' });
    const feed = site.admin.pipeline();
    for (let index = 0; index < 1_000; index += 1) {
      const from = index % 100 === 50 ? '00000000000000bb' : '00000000000000cc';
      feed.xadd(`fl1:{${site.name}}:hv`, '*', 'w', from, 'd', '[]');
    }
    const heard = new Promise((resolve) => {
      pool.on('suspended', resolve);
    });
    const other = await site.worker();
    await feed.exec();
    other.pool.suspend('last.example', 60_000);
    // Within one pull, and what follows from it at once; not within five of them.
    await heard;
  }, 9_000);
});

describe.skipIf(!available)('a target that two workers suspend and resume', () => {
  test('is suspended for nobody once it was resumed last', async () => {
    const [one, two] = [await site.worker(), await site.worker()];
    one.pool.suspend('shop.example', 'until-resumed');
    two.pool.resumeTarget('shop.example');
    // Until all that is on its way has arrived, and for who comes after that.
    two.pool.suspend('other.example', 60_000);
    await new Promise((resolve) => one.pool.on('suspended', resolve));
    for (const { pool } of [one, two, await site.worker()]) (await pool.acquire({ target })).settle(ok);
  });
});

describe.skipIf(!available)('a target that is suspended for less than before', () => {
  test('is suspended for that long for all', async () => {
    const [{ pool: one }, { pool: two }] = [await site.worker(), await site.worker()];
    const left = (): number | undefined => two.explain({ target }).suspendedForMs;
    one.suspend(target, 'until-resumed');
    await until(left, (ms) => ms !== undefined);
    one.resumeTarget(target);
    one.suspend(target, 60_000);
    await until(left, (ms) => Number.isFinite(ms));
    expect(left()).toBeLessThanOrEqual(60_000);
  });
});

describe.skipIf(!available)('a session that one worker has unbound', () => {
  test('is not brought back by another that has not heard of it, nor waited for where it was', async () => {
    // Nobody hears of anything but by asking for a place.
    const deaf = { graceMs: 0, pullMs: 60_000 };
    const [{ pool: one }, { pool: other }] = [await site.worker({}, {}, deaf), await site.worker({}, {}, deaf)];
    const use = async (pool: typeof one) => {
      const lease = await pool.acquire({ target, session: 'cart' });
      lease.settle(ok);
      return lease.endpoint.id;
    };
    const exit = await use(one);
    expect(await use(other)).toBe(exit);
    one.sessions.unbind('cart');
    const held = [await one.acquire({ target, endpoint: exit }), await one.acquire({ target, endpoint: exit })];
    const next = await use(other);
    expect(next).not.toBe(exit);
    expect(await use(one)).toBe(next);
    for (const lease of held) lease.settle(ok);
    // The same where it was bound by hand.
    other.sessions.bind('cart', exit);
    expect(await use(other)).toBe(exit);
    other.sessions.bind('cart', next);
    // Behind the binding on the same connection.
    (await other.acquire({ target })).settle(ok);
    one.sessions.unbind('cart');
    const more = [await one.acquire({ target, endpoint: next }), await one.acquire({ target, endpoint: next })];
    expect(await use(other)).not.toBe(next);
    for (const lease of more) lease.settle(ok);
  });
});

describe.skipIf(!available)('what a worker decides while it asks what others told of', () => {
  /** Calls back when the worker has just asked for what stands of the keys of that letter. */
  const asked = (wire: Wire, letter: string, then: () => void): void => {
    wire.before = (keys, args) => {
      if (args.length > 0 || !keys[0]?.includes(`:${letter}:`)) return;
      wire.before = () => undefined;
      queueMicrotask(then);
    };
  };

  test('is not undone by the answer: a target that it resumes', async () => {
    const wire = new Wire(site.server.url);
    const [{ pool: one }, { pool: two }] = [await site.worker(), await site.worker({ client: wire })];
    const suspended: string[] = [];
    two.on('suspended', ({ target: name }) => suspended.push(name));
    const resumed = new Promise<void>((resolve) => {
      asked(wire, 't', () => {
        two.resumeTarget(target);
        resolve();
      });
    });
    one.suspend(target, 'until-resumed');
    await resumed;
    one.suspend('mark.example', 60_000);
    await new Promise((resolve) => two.on('suspended', resolve));
    expect(suspended).toEqual(['mark.example']);
    // What two has said by then the other has heard, too.
    two.suspend('last.example', 60_000);
    await new Promise((resolve) => one.on('suspended', resolve));
    for (const pool of [one, two]) (await pool.acquire({ target })).settle(ok);
  });

  test('is not undone by the answer: a session that it unbinds', async () => {
    const wire = new Wire(site.server.url);
    const [{ pool: one }, { pool: two }] = [await site.worker(), await site.worker({ client: wire })];
    const remembered: (string | undefined)[] = [];
    const unbound = new Promise<void>((resolve) => {
      asked(wire, 'b', () => {
        two.sessions.unbind('cart');
        wire.before = () => void remembered.push(two.sessions.lookup('cart'));
        resolve();
      });
    });
    (await one.acquire({ target, session: 'cart' })).settle(ok);
    await unbound;
    one.suspend('mark.example', 60_000);
    await new Promise((resolve) => two.on('suspended', resolve));
    expect(new Set(remembered)).toEqual(new Set([undefined]));
    await until(
      () => one.sessions.lookup('cart'),
      (exit) => exit === undefined,
    );
    expect(one.sessions.lookup('cart')).toBeUndefined();
  });
});

describe.skipIf(!available)('an outage that is over before anybody grants alone', () => {
  test('moves no session and refuses nobody', async () => {
    const wire = new Wire(site.server.url);
    const policy = { session: { contract: 'strict' as const } };
    const [{ pool, reports }] = [await site.worker({ client: wire }, { policy }), await site.worker()];
    const names = Array.from({ length: 12 }, (_, index) => `s${index}`);
    const one = names.map((session) => async () => {
      const lease = await pool.acquire({ target, session });
      lease.settle(ok);
      return lease.endpoint.id;
    });
    const before: string[] = [];
    for (const use of one) before.push(await use());
    wire.before = refuse;
    pool.suspend('other.example', 60_000);
    await until(
      () => reports.at(-1)?.state,
      (state) => state === 'down',
    );
    const during = Promise.all(one.map((use) => use()));
    wire.before = () => undefined;
    expect(await during).toEqual(before);
  });
});

describe.skipIf(!available)('what has changed while a worker was away', () => {
  const away = async (wire: Wire, reports: readonly StoreReport[], change: () => Promise<unknown>): Promise<void> => {
    wire.before = refuse;
    await until(
      () => reports.at(-1)?.state,
      (state) => state === 'down',
    );
    await change();
    wire.before = () => undefined;
  };

  test('is not undone by what it believed: a target that was resumed, a session that was unbound', async () => {
    const wire = new Wire(site.server.url);
    const { pool, reports } = await site.worker({ client: wire, whenDown: 'closed' });
    const { pool: other } = await site.worker({ whenDown: 'closed' });
    pool.suspend(target, 'until-resumed');
    (await pool.acquire({ target: 'https://other.example/', session: 'cart' })).settle(ok);
    await until(
      () => other.sessions.lookup('cart'),
      (exit) => exit !== undefined,
    );
    await away(wire, reports, async () => {
      other.resumeTarget(target);
      other.sessions.unbind('cart');
      // Behind both on the same connection.
      (await other.acquire({ target })).settle(ok);
    });
    await until(
      () => reports.at(-1)?.state,
      (state) => state === 'working',
    );
    (await other.acquire({ target })).settle(ok);
    expect(await site.keys('t:*')).toEqual([]);
    await until(
      () => pool.sessions.lookup('cart'),
      (exit) => exit === undefined,
    );
    expect([pool, other].map(({ sessions }) => sessions.lookup('cart'))).toEqual([undefined, undefined]);
    (await pool.acquire({ target })).settle(ok);
  });

  test.each(['moved', 'unbound'] as const)(
    'is not undone by what it said before: a session that was bound by hand, and %s by another since',
    async (how) => {
      const wire = new Wire(site.server.url);
      const { pool, reports } = await site.worker({ client: wire, whenDown: 'closed' });
      const { pool: other } = await site.worker({ whenDown: 'closed' });
      const [first, second] = pool.stats().endpoints.map(({ id }) => id);
      await away(wire, reports, async () => {
        pool.sessions.bind('cart', first!);
        const before = wire.sent.length;
        // Longer than words are on their way: it has tried for the store twice.
        await until(
          () => wire.sent.length,
          (count) => count > before + 1,
        );
        if (how === 'moved') other.sessions.bind('cart', second!);
        else other.sessions.unbind('cart');
        (await other.acquire({ target })).settle(ok);
      });
      const wanted = how === 'moved' ? second : undefined;
      await until(
        () => pool.sessions.lookup('cart'),
        (exit) => exit === wanted,
      );
      expect([pool, other].map(({ sessions }) => sessions.lookup('cart'))).toEqual([wanted, wanted]);
    },
  );

  test('is noticed: the workers that are there now have other terms', async () => {
    const wire = new Wire(site.server.url);
    const { pool, reports } = await site.worker({ client: wire, whenDown: 'closed' });
    (await pool.acquire({ target })).settle(ok);
    await away(wire, reports, async () => {
      // Nobody has heard of it for so long that it counts as gone.
      await site.admin.del(`fl1:{${site.name}}:w`);
      (await (await site.worker({ leaseTtlMs: 2_000 })).pool.acquire({ target })).settle(ok);
    });
    await until(
      () => reports.at(-1)?.why ?? '',
      (why) => why.includes('leaseTtlMs'),
    );
    expect(reports.at(-1)).toMatchObject({ state: 'down', why: expect.stringMatching(/2000 there, 10000 here/) });
    await expect(pool.acquire({ target, deadlineMs: 300 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('is noticed: the server would throw leases away now', async () => {
    const wire = new Wire(site.server.url);
    const { pool, reports } = await site.worker({ client: wire, whenDown: 'closed' });
    (await pool.acquire({ target })).settle(ok);
    await away(wire, reports, () => site.admin.config('SET', 'maxmemory-policy', 'allkeys-lru'));
    try {
      await until(
        () => reports.at(-1)?.why ?? '',
        (why) => why.includes('noeviction'),
      );
      expect(reports.at(-1)).toMatchObject({ state: 'down', why: expect.stringContaining('allkeys-lru') });
      await expect(pool.acquire({ target, deadlineMs: 300 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    } finally {
      await site.admin.config('SET', 'maxmemory-policy', 'noeviction');
    }
    (await pool.acquire({ target })).settle(ok);
  });
});

describe.skipIf(!available)('what is told again after an outage', () => {
  test('is what was said last, and for as long as is left of it', async () => {
    const wire = new Wire(site.server.url);
    const { pool } = await site.worker({ client: wire, whenDown: 'closed' });
    wire.before = refuse;
    pool.suspend('one.example', 60_000);
    const since = performance.now();
    wire.sent.length = 0;
    await until(
      () => wire.sent.length,
      (count) => count > 3,
    );
    const elapsed = performance.now() - since;
    wire.before = () => undefined;
    const [key] = await until(
      () => site.keys('t:*'),
      (keys) => keys.length > 0,
    );
    expect(await site.admin.pttl(key!)).toBeLessThanOrEqual(60_000 - Math.floor(elapsed));
  });

  test('is not what was taken back meanwhile, though its answer came too late', async () => {
    const wire = new Wire(site.server.url);
    const { pool, reports } = await site.worker({ client: wire, whenDown: 'closed' });
    let open = (): void => undefined;
    wire.after = new Promise<void>((resolve) => (open = resolve));
    pool.suspend('two.example', 600_000);
    await until(
      () => site.keys('t:*'),
      (keys) => keys.length > 0,
    );
    wire.after = undefined;
    pool.resumeTarget('two.example');
    await until(
      () => reports.map(({ state }) => state),
      (states) => states.includes('down'),
    );
    open();
    await until(
      () => reports.at(-1)?.state,
      (state) => state === 'working',
    );
    (await pool.acquire({ target })).settle(ok);
    expect(await site.keys('t:*')).toEqual([]);
  });

  test('are no places that the store never knew', async () => {
    const wire = new Wire(site.server.url);
    const { pool, reports } = await site.worker({ client: wire, whenDown: 'open' });
    (await pool.acquire({ target })).settle(ok);
    wire.before = refuse;
    pool.suspend('one.example', 60_000);
    await until(
      () => reports.at(-1)?.state,
      (state) => state === 'down',
    );
    for (let turn = 0; turn < 2_000; turn += 1) (await pool.acquire({ target })).settle(ok);
    wire.sent.length = 0;
    wire.before = () => undefined;
    await until(
      () => reports.at(-1)?.state,
      (state) => state === 'working',
    );
    const releases = wire.sent.filter(({ keys }) => keys.length > 0 && keys.every((key) => key.includes(':l:')));
    expect(releases.length).toBeLessThan(5);
  });
});

describe.skipIf(!available)('a server that has lost its data', () => {
  test('or its scripts while somebody loaded them, is given those that it lacks', async () => {
    const { pool } = await site.worker();
    await site.admin.script('FLUSH');
    await site.admin.script('LOAD', SCRIPTS.sentinel);
    (await pool.acquire({ target, deadlineMs: 5_000 })).settle(ok);
  });

  test('is told again what newcomers are to know', async () => {
    const first = await site.worker();
    for (let turn = 0; turn < 12; turn += 1) (await first.pool.acquire({ target })).settle(ok);
    await until(
      () => site.keys('h:[0-9a-f]'),
      (keys) => keys.length > 0,
    );
    const standing = (pool: typeof first.pool) => pool.stats().endpoints.map(({ id, standing }) => `${id} ${standing}`);
    await site.admin.flushall();
    await until(
      () => site.keys('h:[0-9a-f]'),
      (keys) => keys.length > 0,
    );
    const late = await site.worker();
    expect(standing(late.pool)).toEqual(standing(first.pool));
  });

  test('is noticed also where its scripts are still there: another one has served meanwhile', async () => {
    const { pool, reports } = await site.worker({}, {}, { graceMs: 300, pullMs: 50 });
    (await pool.acquire({ target })).settle(ok);
    await site.admin.call('REPLICAOF', '127.0.0.1', '1');
    await site.admin.call('REPLICAOF', 'NO', 'ONE');
    reports.length = 0;
    await site.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(
      () => reports.at(-1)?.state,
      (state) => state === 'working',
    );
    expect(reports.map(({ state }) => state)).toContain('recovering');
  });
});

describe.skipIf(!available)('a server that does not let this account in', () => {
  test('says so at once', async () => {
    await site.admin.call('ACL', 'SETUSER', 'thin', 'on', '>canary', '~fl1:*', '+@all', '-evalsha');
    const at = (user: string) => site.server.url.replace('redis://', `redis://${user}@`);
    await expect(site.worker({ url: at('thin:canary') })).rejects.toThrow(/NOPERM/);
    const wrong = site.worker({ url: at('thin:another-canary') });
    await expect(wrong).rejects.toThrow(/WRONGPASS/);
    await expect(wrong).rejects.not.toThrow(/canary/);
  });

  test('is given up after its time also by a client that waits for ever, and so is the pool', async () => {
    const client = new Redis('redis://127.0.0.1:1', { maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    const refused = site.worker({ client: client as never, startMs: 200 });
    await expect(refused).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    await site.leave();
    client.disconnect();
  });
});

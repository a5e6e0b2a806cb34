import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Outcome } from '../../outcome.js';
import type { PoolOptions } from '../../pool/options.js';
import { createPool, type Pool } from '../../pool/pool.js';
import type { StoreReport } from '../../ports/records.js';
import { manualClock } from '../../testing/manual-clock.js';
import { seededRandom } from '../../testing/seeded-random.js';
import { fileStore } from './file-store.js';
import { nodeFileSystem, type FileSystem } from './file-system.js';

const target = 'https://shop.example/';
const proxies = Array.from({ length: 6 }, (_, index) => `http://user${index}:canary-secret@p${index}.example:1`);
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 80 };
const dead: Outcome = { kind: 'failure', phase: 'proxy-connect', code: 'PROXY_CONNECT', elapsedMs: 1, sent: 'nothing' };
const DAY = 24 * 3_600_000;

let dir = '';
beforeEach(() => void (dir = join(mkdtempSync(join(tmpdir(), 'fairlead-store-')), 'state')));
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

/** A pool that starts `at` milliseconds after the first one. */
async function started(at = 0, options: PoolOptions = {}, files: FileSystem = nodeFileSystem) {
  const clock = manualClock(at);
  const reports: StoreReport[] = [];
  const store = fileStore({ dir, files });
  const pool = createPool({ proxies, clock, random: seededRandom(1), store, ...options });
  pool.on('store', (report) => reports.push(report));
  await pool.ready();
  /** Lets a second pass and everything noted reach the disk. */
  const flush = async (): Promise<void> => {
    clock.advance(1_000);
    await store.records!.push([]);
  };
  return { clock, pool, store, reports, flush };
}

async function use(pool: Pool, outcome: Outcome = ok, request: object = {}) {
  const lease = await pool.acquire({ target, ...request });
  lease.settle(outcome);
  return lease.endpoint.id;
}

function standings(pool: Pool) {
  return Object.fromEntries(pool.stats().endpoints.map(({ id, standing }) => [id, standing]));
}

test('a session finds its exit again after a restart', async () => {
  const first = await started();
  const exit = await use(first.pool, ok, { session: 'cart' });
  await first.pool.close();
  const second = await started(60_000);
  expect(second.pool.sessions.lookup('cart')).toBe(exit);
  for (let turn = 0; turn < 10; turn += 1) expect(await use(second.pool, ok, { session: 'cart' })).toBe(exit);
  second.pool.sessions.unbind('cart');
  await second.pool.close();
  const third = await started(120_000);
  expect(third.pool.sessions.lookup('cart')).toBeUndefined();
  await third.pool.close();
});

test('a session that was limited in time has what is left of it', async () => {
  const policy = { session: { keep: 'ttl' as const, ttlMs: 10_000 } };
  const first = await started(0, { policy });
  await use(first.pool, ok, { session: 's' });
  await first.pool.close();
  const second = await started(9_000, { policy });
  expect(second.pool.sessions.lookup('s')).toBeDefined();
  second.clock.advance(1_001);
  expect(second.pool.sessions.lookup('s')).toBeUndefined();
  await second.pool.close();
});

test('an endpoint that rested rests on to its end, and one that was good is still known', async () => {
  const first = await started();
  const good = await use(first.pool);
  const cooldowns: { endpoint: string; forMs: number }[] = [];
  first.pool.on('cooldown', (event) => cooldowns.push(event));
  while (cooldowns.length === 0) await use(first.pool, dead, { exclude: [good] });
  const { endpoint: cooling, forMs: until } = cooldowns[0]!;
  await first.pool.close();
  const second = await started(2_000);
  expect(standings(second.pool)).toMatchObject({ [good]: 'active', [cooling]: 'cooling' });
  expect(until).toBeGreaterThan(3_000);
  second.clock.advance(until - 2_000 + 2);
  await use(second.pool);
  expect(standings(second.pool)[cooling]).toBe('trial');
  await second.pool.close();
});

test('a target stays suspended for what is left, and no longer', async () => {
  const first = await started();
  first.pool.suspend('shop.example', 60_000);
  first.pool.suspend('other.example', 'until-resumed');
  await first.pool.close();
  const second = await started(30_000);
  await expect(second.pool.acquire({ target, deadlineMs: 1_000 })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
  const refused = second.pool.acquire({ target: 'https://other.example/', deadlineMs: 1_000 });
  await expect(refused).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
  second.clock.advance(30_001);
  await use(second.pool);
  await second.pool.close();
});

test('a barred pair stays barred, and a learned pace is kept', async () => {
  const rotate = { policy: 'rotate' as const, proxies: proxies.slice(0, 2) };
  const first = await started(0, rotate);
  const blocked: string[] = [];
  first.pool.on('blocked', ({ endpoint }) => blocked.push(endpoint));
  await use(first.pool);
  await use(first.pool, { kind: 'response', status: 403, latencyMs: 10 });
  expect(blocked).toHaveLength(1);
  await first.pool.close();
  const second = await started(1_000, rotate);
  const explained = second.pool.explain({ target }).endpoints.find(({ id }) => id === blocked[0]);
  expect(JSON.stringify(explained)).toContain('blocked');
  await second.pool.close();
});

test('what is known of a proxy waits for its return, for a week', async () => {
  const first = await started();
  const exit = await use(first.pool, ok, { session: 'cart' });
  await first.pool.close();
  const without = await started(DAY, { proxies: [] });
  await without.pool.close();
  const back = await started(3 * DAY, { proxies: [] });
  expect(back.pool.sessions.lookup('cart')).toBeUndefined();
  back.pool.add(...proxies);
  expect(back.pool.sessions.lookup('cart')).toBe(exit);
  await back.pool.close();
  const gone = await started(4 * DAY, { proxies: [] });
  await gone.pool.close();
  await (await started(12 * DAY, { proxies: [] })).pool.close();
  const late = await started(12 * DAY + 1);
  expect(late.pool.sessions.lookup('cart')).toBeUndefined();
  await late.pool.close();
});

test('the wall clock may be a day ahead or behind: nothing lasts longer than it was meant to', async () => {
  const first = await started(5 * DAY);
  first.pool.suspend('shop.example', 60_000);
  await first.pool.close();
  const behind = await started(4 * DAY);
  const waits = behind.pool.acquire({ target, deadlineMs: 120_000 });
  behind.clock.advance(60_001);
  (await waits).settle(ok);
  await behind.pool.close();
});

test('nothing in the directory tells a user name, a password or a proxy', async () => {
  const { pool } = await started();
  for (let turn = 0; turn < 30; turn += 1) await use(pool, turn % 3 === 0 ? dead : ok, { session: `s${turn}` });
  await pool.close();
  const names = readdirSync(dir);
  expect(names.some((name) => name.startsWith('snapshot.'))).toBe(true);
  for (const name of names) {
    const text = readFileSync(join(dir, name), 'latin1');
    for (const secret of ['canary-secret', 'user0', 'p0.example', btoa('user0:canary-secret')]) {
      expect(text).not.toContain(secret);
    }
    expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
  }
  expect(statSync(dir).mode & 0o777).toBe(0o700);
});

test('a directory or a file that others can read is refused', async () => {
  mkdirSync(dir, { mode: 0o755, recursive: true });
  chmodSync(dir, 0o755);
  await expect(started()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  chmodSync(dir, 0o700);
  writeFileSync(join(dir, 'key'), 'a'.repeat(64), { mode: 0o640 });
  await expect(started()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
});

test('a directory that is in use names the process that uses it, and callers hear of it', async () => {
  const first = await started();
  const second = createPool({ proxies, store: fileStore({ dir }) });
  const waiting = second.acquire({ target });
  const error = await second.ready().then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error).toMatchObject({ code: 'STORE_BUSY' });
  expect(error?.message).toContain(`process ${process.pid}`);
  expect(error?.message).toContain('Redis');
  await expect(waiting).rejects.toMatchObject({ code: 'STORE_BUSY' });
  expect(second.tryAcquire({ target })).toBeUndefined();
  await second.close();
  await use(first.pool);
  await first.pool.close();
  expect(readdirSync(dir)).not.toContain('lock');
});

const lock = (holder: object) =>
  JSON.stringify({ token: '0123456789abcdef', namespace: '', boot: '', started: '', ...holder });

test.each([
  ['a process that is gone', { pid: 2 ** 22 + 1 }, 'taken'],
  ['a process whose pid another has now', { pid: process.pid, started: '1' }, 'taken'],
  ['a machine before its restart', { pid: process.pid, boot: 'another' }, 'taken'],
  ['another container', { pid: 1, namespace: 'pid:[1]' }, 'refused'],
])('the lock of %s is %s', async (_, holder, fate) => {
  const own = await started();
  const { namespace, boot } = JSON.parse(readFileSync(join(dir, 'lock'), 'utf8'));
  await own.pool.close();
  writeFileSync(join(dir, 'lock'), lock({ namespace, boot, ...holder }), { mode: 0o600 });
  const next = started();
  if (fate === 'refused') return expect(next).rejects.toMatchObject({ code: 'STORE_BUSY' });
  await (await next).pool.close();
});

test('a directory of a newer version is refused and left as it is', async () => {
  const first = await started();
  await use(first.pool);
  await first.pool.close();
  writeFileSync(join(dir, 'snapshot.000000000009.v2.ndjson'), 'new', { mode: 0o600 });
  const before = readdirSync(dir).sort();
  await expect(started()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  expect(readdirSync(dir).sort()).toEqual(before);
  expect(readFileSync(join(dir, 'snapshot.000000000009.v2.ndjson'), 'utf8')).toBe('new');
});

test('callers wait while what was kept is being read', async () => {
  const first = await started();
  const exit = await use(first.pool, ok, { session: 'cart' });
  await first.pool.close();
  const clock = manualClock(1_000);
  const pool = createPool({ proxies, clock, random: seededRandom(2), store: fileStore({ dir }) });
  expect(pool.tryAcquire({ target })).toBeUndefined();
  const lease = await pool.acquire({ target, session: 'cart' });
  expect(lease.endpoint.id).toBe(exit);
  lease.settle(ok);
  await pool.close();
});

/** Node's file system, until a fault is set. */
function faulty() {
  const fault = { code: '' };
  const fail = (): void => {
    if (fault.code !== '') throw Object.assign(new Error('the disk failed'), { code: fault.code });
  };
  const files: FileSystem = {
    ...nodeFileSystem,
    async create(path) {
      fail();
      const file = await nodeFileSystem.create(path);
      const append = async (text: string): Promise<void> => {
        fail();
        await file.append(text);
      };
      return { append, sync: async () => (fail(), file.sync()), close: () => file.close() };
    },
    async createWhole(...args) {
      fail();
      await nodeFileSystem.createWhole(...args);
    },
  };
  return { fault, files };
}

test.each(['ENOSPC', 'EIO', 'EROFS'])(
  'the pool goes on through %s, says so, and loses nothing once it ends',
  async (code) => {
    const { fault, files } = faulty();
    const { pool, reports, clock, flush } = await started(0, {}, files);
    await use(pool, ok, { session: 'before' });
    await flush();
    fault.code = code;
    const exit = await use(pool, ok, { session: 'meanwhile' });
    await flush();
    expect(reports).toEqual([{ state: 'degraded', why: code }]);
    await use(pool, ok, { session: 'later' });
    await flush();
    fault.code = '';
    clock.advance(120_000);
    await use(pool);
    await flush();
    expect(reports.at(-1)?.state).toBe('working');
    await pool.close();
    const next = await started(200_000);
    expect(next.pool.sessions.lookup('meanwhile')).toBe(exit);
    expect(next.pool.sessions.lookup('before')).toBeDefined();
    await next.pool.close();
  },
);

test('a disk that cannot be written from the start is told of, and the pool works', async () => {
  const { fault, files } = faulty();
  fault.code = 'EROFS';
  const { pool, reports } = await started(0, {}, files);
  expect(reports).toEqual([{ state: 'degraded', why: 'EROFS' }]);
  await use(pool);
  await pool.close();
});

test('a snapshot that was damaged is read over the whole one before it', async () => {
  const first = await started();
  const exit = await use(first.pool, ok, { session: 'cart' });
  await first.pool.close();
  const second = await started(1_000);
  await use(second.pool, ok, { session: 'later' });
  await second.pool.close();
  const newest = join(
    dir,
    readdirSync(dir)
      .filter((name) => name.startsWith('snapshot.'))
      .sort()
      .at(-1)!,
  );
  const text = readFileSync(newest, 'utf8');
  writeFileSync(newest, text.replace('cart', 'dart'));
  const third = await started(2_000);
  expect(third.pool.sessions.lookup('cart')).toBe(exit);
  expect(third.pool.sessions.lookup('dart')).toBeUndefined();
  expect(third.pool.sessions.lookup('later')).toBeDefined();
  expect(third.reports[0]?.state).toBe('damaged');
  await third.pool.close();
});

test('a key that could not be written at the first start is written with the first journal', async () => {
  let failing = true;
  const files: FileSystem = {
    ...nodeFileSystem,
    createWhole(path, text, how) {
      if (!path.endsWith('/key') || !failing) return nodeFileSystem.createWhole(path, text, how);
      failing = false;
      return Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    },
  };
  const first = await started(0, {}, files);
  const exit = await use(first.pool, ok, { session: 'cart' });
  first.clock.advance(10_000);
  await first.flush();
  expect(first.reports.map(({ state }) => state)).toEqual(['degraded', 'working']);
  await first.pool.close();
  const second = await started(60_000);
  expect(second.pool.sessions.lookup('cart')).toBe(exit);
  expect(standings(second.pool)[exit]).toBe('active');
  await second.pool.close();
});

test('a lock that somebody removed is taken again, and what happened meanwhile is kept', async () => {
  const first = await started();
  await use(first.pool);
  await first.flush();
  rmSync(join(dir, 'lock'));
  const exit = await use(first.pool, ok, { session: 'cart' });
  await first.flush();
  first.clock.advance(10_000);
  await first.flush();
  expect(first.reports.map(({ state }) => state)).toEqual(['degraded', 'working']);
  await first.pool.close();
  const second = await started(60_000);
  expect(second.pool.sessions.lookup('cart')).toBe(exit);
  await second.pool.close();
});

test('a directory that another process has begun anew meanwhile is left to it', async () => {
  const first = await started();
  await use(first.pool);
  await first.flush();
  rmSync(join(dir, 'lock'));
  writeFileSync(join(dir, 'key'), 'f'.repeat(64), { mode: 0o600 });
  for (let turn = 0; turn < 3; turn += 1) {
    await use(first.pool);
    first.clock.advance(10_000);
    await first.flush();
  }
  expect(first.reports.at(-1)).toMatchObject({ state: 'degraded', why: expect.stringContaining('another process') });
  await first.pool.close();
  expect(readFileSync(join(dir, 'key'), 'utf8')).toBe('f'.repeat(64));
  expect(readdirSync(dir)).not.toContain('lock');
});

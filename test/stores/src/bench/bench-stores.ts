// `npm run bench:stores -- --json`: what taking a place costs here and at a server, and what keeping state costs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool } from '@fairlead/core';
import { fileStore } from '@fairlead/core/file';
import { createLedger } from '@fairlead/core/ledger';
import { startRedis } from '@fairlead/lab';
import type { RedisClient } from '@fairlead/redis';
import { tunedRedisStore } from '@fairlead/redis/port';
import { Redis } from 'ioredis';
import { createClient } from 'redis';

const CALLERS = [1, 32, 256];
const ROUND_MS = 1_500;
const CANDIDATES = 8;
const SNAPSHOT_ENDPOINTS = Number(process.env['BENCH_ENDPOINTS'] ?? 1_000_000);
const RESTART_ENDPOINTS = 100_000;
const ok = { kind: 'response', status: 200, latencyMs: 5 } as const;

const redis: Record<string, Record<string, number>> = {};
const server = await startRedis();
const admin = new Redis(server.url);
let roundTrips = 0;
let scriptMicros = 0;
try {
  const clients: Record<string, () => { client: RedisClient; end: () => void }> = {
    ioredis: () => {
      const client = new Redis(server.url);
      return { client: client as unknown as RedisClient, end: () => client.disconnect() };
    },
    'node-redis': () => {
      const client = createClient({ url: server.url });
      return { client: client as unknown as RedisClient, end: () => client.destroy() };
    },
  };
  for (const [name, open] of Object.entries(clients)) {
    redis[name] = {};
    for (const callers of CALLERS) redis[name][callers] = await throughRedis(open, `${name}${callers}`, callers);
  }
  ({ roundTrips, scriptMicros } = await oneAtATime(clients['ioredis']!));
} finally {
  admin.disconnect();
  await server.stop();
}

const report = {
  inProcessPerSecond: inProcess(),
  redis,
  roundTripsPerAcquire: roundTrips,
  scriptMicros,
  ...(await keeping()),
};
process.stdout.write(`${JSON.stringify(report, undefined, process.argv.includes('--json') ? 0 : 2)}\n`);

/** Admit and release at eight candidates, of which the last has room: every one is looked at. */
function inProcess(): number {
  const ledger = createLedger({ capacity: 1_000 });
  const rows = Int32Array.from({ length: CANDIDATES }, (_, index) => index);
  const limits = new Int32Array(CANDIDATES).fill(1);
  const pin = { ttlMs: 0, maxMs: 0, maxUses: 0 };
  const where = { target: 0, targetKey: 'shop.example', emissionMs: 0, burstMs: 0, session: undefined, pin };
  const request = { rows, limits, count: CANDIDATES, ...where, now: 0 };
  for (let row = 0; row < CANDIDATES - 1; row += 1) ledger.take(row);
  const once = (): number => {
    const started = performance.now();
    let pairs = 0;
    while (performance.now() - started < 300) {
      for (let turn = 0; turn < 1_000; turn += 1) ledger.release(ledger.admit(request).row);
      pairs += 1_000;
    }
    return Math.round(pairs / ((performance.now() - started) / 1_000));
  };
  once();
  return Math.max(once(), once(), once());
}

function poolOver(client: RedisClient, name: string, endpoints: number, maxInFlight: number) {
  const proxies = Array.from({ length: endpoints }, (_, index) => ({ url: `http://e${index}.example:1`, maxInFlight }));
  const store = tunedRedisStore({ client, pool: name, poolKey: 'a secret for benchmarks' }, { graceMs: 0 });
  return createPool({ proxies, store, policy: { abandon: false }, maxWaiting: 100_000 });
}

/** Acquires and settles a second, by so many callers of one worker. */
async function throughRedis(
  open: () => { client: RedisClient; end: () => void },
  name: string,
  callers: number,
): Promise<number> {
  const { client, end } = open();
  const pool = poolOver(client, name, 64, 64);
  await pool.ready();
  const target = 'https://shop.example/';
  // Past their trials, and past the start of the machine that runs this.
  for (let turn = 0; turn < 500; turn += 1) (await pool.acquire({ target })).settle(ok);
  let pairs = 0;
  const started = performance.now();
  const until = started + ROUND_MS;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      (await pool.acquire({ target })).settle(ok);
      pairs += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const perSecond = Math.round(pairs / ((performance.now() - started) / 1_000));
  await pool.close();
  end();
  return perSecond;
}

/** How many admissions one acquire takes, and how long the server is at one of eight candidates. */
async function oneAtATime(open: () => { client: RedisClient; end: () => void }) {
  const { client, end } = open();
  const pool = poolOver(client, 'single', 64, 64);
  await pool.ready();
  const target = 'https://shop.example/';
  for (let turn = 0; turn < 500; turn += 1) (await pool.acquire({ target })).settle(ok);
  const before = await evalCalls();
  await admin.config('RESETSTAT');
  const ACQUIRES = 2_000;
  for (let turn = 0; turn < ACQUIRES; turn += 1) (await pool.acquire({ target })).settle(ok);
  const { calls, perCall } = await evalCalls();
  void before;
  await pool.close();
  end();
  // Each acquire is one script, and each release another: nothing waits for the second.
  return { roundTrips: Math.round((calls / ACQUIRES - 1) * 100) / 100, scriptMicros: perCall };
}

async function evalCalls(): Promise<{ calls: number; perCall: number }> {
  const info = await admin.info('commandstats');
  const [, calls = '0', perCall = '0'] = /cmdstat_evalsha:calls=(\d+),usec=\d+,usec_per_call=([\d.]+)/.exec(info) ?? [];
  return { calls: Number(calls), perCall: Number(perCall) };
}

/** The longest stretch in which a snapshot lets nothing else run, and how long a warm start takes. */
async function keeping(): Promise<{ snapshotMaxBlockMs: number; warmRestartMs: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
  try {
    const snapshotMaxBlockMs = await longestBlock(join(folder, 'large'), SNAPSHOT_ENDPOINTS);
    const proxies = addresses(RESTART_ENDPOINTS);
    const dir = join(folder, 'warm');
    const first = createPool({ proxies, store: fileStore({ dir }) });
    await first.ready();
    await first.close();
    const second = createPool({ proxies, store: fileStore({ dir }) });
    const started = performance.now();
    await second.ready();
    const warmRestartMs = Math.round(performance.now() - started);
    await second.close();
    return { snapshotMaxBlockMs, warmRestartMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function longestBlock(dir: string, endpoints: number): Promise<number> {
  const pool = createPool({ proxies: addresses(endpoints), store: fileStore({ dir }) });
  await pool.ready();
  let worst = 0;
  let going = true;
  let last = performance.now();
  const beat = (): void => {
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
    if (going) setImmediate(beat);
  };
  setImmediate(beat);
  await pool.close();
  going = false;
  return Math.round(worst * 10) / 10;
}

function addresses(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `http://10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}:8000`,
  );
}

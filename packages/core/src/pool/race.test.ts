import { expect, test } from 'vitest';
import type { Outcome } from '../outcome.js';
import type { PolicyOptions } from '../policy/policy-options.js';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import type { Lease } from './lease.js';
import { createPool } from './pool.js';
import type { LeaseRequest } from './request.js';

const target = 'https://shop.example/';
const ok: Outcome = { kind: 'response', status: 200, latencyMs: 5 };
const dead = Object.assign(new Error('dead'), {
  outcome: { kind: 'failure', phase: 'proxy-connect', code: 'DEAD', elapsedMs: 1, sent: 'nothing', fault: 'endpoint' },
});

interface Path {
  readonly lease: Lease;
  readonly win: (value: unknown) => void;
  readonly lose: (error: unknown) => void;
}

function setUp(race: PolicyOptions['race'], request: Partial<LeaseRequest> = {}, more: PolicyOptions = {}) {
  const clock = manualClock();
  const proxies = Array.from({ length: 12 }, (_, index) => `http://p${index}:1`);
  const policy = { preset: 'rotate', ...more, ...(race === undefined ? {} : { race }) } as const;
  const pool = createPool({ proxies, clock, random: seededRandom(1), policy });
  const paths: Path[] = [];
  const run = () =>
    pool.run({ target, ...request }, (lease) => new Promise((win, lose) => paths.push({ lease, win, lose })));
  return { clock, pool, paths, run };
}

const turns = async () => {
  for (let turn = 0; turn < 10; turn += 1) await undefined;
};

test('a race sends so many paths at once, each through another endpoint; the first good answer wins, the others are told to stop', async () => {
  const { pool, paths, run } = setUp({ paths: 3, adaptive: false });
  const result = run();
  await turns();
  expect(new Set(paths.map(({ lease }) => lease.endpoint.id)).size).toBe(3);
  expect(pool.stats()).toMatchObject({ inFlight: 3, raced: 2, dispatched: 3 });
  const signals = paths.map(({ lease }) => lease.signal);
  paths[1]!.win('second');
  expect(await result).toBe('second');
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, true]);
  expect(paths.map(({ lease }) => lease.verdict)).toEqual(['abandoned', 'success', 'abandoned']);
  expect(pool.stats()).toMatchObject({ inFlight: 0, succeeded: 1, tasks: { completed: 1, failed: 0 } });
});

test('a path that fails ends nothing while others are out, and when all have failed the next wave goes elsewhere', async () => {
  const { pool, paths, run } = setUp({ paths: 2, adaptive: false });
  const result = run();
  await turns();
  paths[0]!.lose(dead);
  await turns();
  expect(paths).toHaveLength(2);
  paths[1]!.lose(dead);
  await turns();
  expect(paths).toHaveLength(4);
  expect(new Set(paths.map(({ lease }) => lease.endpoint.id)).size).toBe(4);
  paths[3]!.win('fourth');
  expect(await result).toBe('fourth');
  expect(pool.stats().inFlight).toBe(0);
});

test('an answer that is not wanted waits for the paths beside it, and is handed over when they bring nothing better', async () => {
  const refused = { status: 503, headers: {} };
  const { paths, run } = setUp({ paths: 2, adaptive: false }, { maxAttempts: 2 });
  const result = run();
  await turns();
  paths[0]!.win(refused);
  await turns();
  paths[1]!.lose(dead);
  await turns();
  // The second was never sent: one attempt is left, and its answer is a failure too.
  paths[2]!.lose(Object.assign(new Error('cut'), { outcome: { ...dead.outcome, phase: 'response', sent: 'maybe' } }));
  expect(await result).toBe(refused);
});

test.each<[string, Partial<LeaseRequest>]>([
  ['may not be sent twice', { method: 'POST' }],
  ['keeps one exit', { session: 's' }],
  ['has one attempt', { maxAttempts: 1 }],
])('a request that %s does not race', async (_, request) => {
  const { pool, paths, run } = setUp({ paths: 3, adaptive: false }, request);
  const result = run();
  await turns();
  expect(paths).toHaveLength(1);
  paths[0]!.win('alone');
  expect(await result).toBe('alone');
  expect(pool.stats().raced).toBe(0);
});

test('a race never has more out than the attempts that are left', async () => {
  const { paths, run } = setUp({ paths: 5, adaptive: false }, { maxAttempts: 2 });
  void run().catch(() => undefined);
  await turns();
  expect(paths).toHaveLength(2);
});

test('a race takes the paths there are, and waits for none', async () => {
  const { paths, pool, run } = setUp({ paths: 5, adaptive: false });
  for (const { id } of pool.stats().endpoints.slice(2)) pool.hold(id);
  const result = run();
  await turns();
  expect(paths).toHaveLength(2);
  paths[0]!.win('one');
  expect(await result).toBe('one');
});

test('an adaptive race is as wide as the success rate of the target asks for: wide while nothing is known, one path where all goes well', async () => {
  const { clock, pool } = setUp({ paths: 3, adaptive: true });
  const widthAfter = async (status: number, times: number) => {
    for (let turn = 0; turn < times; turn += 1) {
      clock.advance(20_000);
      (await pool.acquire({ target })).settle({ ...ok, status } as Outcome);
    }
    return pool.begin({ target }).raceWidth;
  };
  expect(pool.begin({ target }).raceWidth).toBe(3);
  expect(await widthAfter(200, 40)).toBe(1);
  expect(await widthAfter(503, 8)).toBe(2);
  expect(await widthAfter(503, 20)).toBe(3);
  // Another target knows nothing of this one.
  expect(pool.begin({ target: 'https://other.example' }).raceWidth).toBe(3);
});

test('what a race has cancelled says nothing of the target', async () => {
  const { clock, pool } = setUp({ paths: 3, adaptive: true });
  for (let turn = 0; turn < 40; turn += 1) {
    clock.advance(1000);
    (await pool.acquire({ target })).settle(ok);
    (await pool.acquire({ target })).settle({ kind: 'abandoned', elapsedMs: 5 });
  }
  expect(pool.begin({ target }).raceWidth).toBe(1);
});

test('throughput races three paths by its own table', async () => {
  const { paths, run } = setUp(undefined, {}, { preset: 'throughput' });
  void run().catch(() => undefined);
  await turns();
  expect(paths).toHaveLength(3);
});

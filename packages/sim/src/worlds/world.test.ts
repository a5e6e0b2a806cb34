import { describe, expect, test } from 'vitest';
import { seededRandom } from '../random.js';
import { emptyReply } from '../reply.js';
import { EXTRA_SCENARIOS, SCENARIOS } from './catalog.js';
import { dc429 } from './datacenter.js';
import { freeLarge } from './free.js';
import { around, between, type WorldPlan } from './plan.js';
import { outage, resiCaps } from './residential.js';
import { World } from './world.js';

const sure: WorldPlan = {
  name: 'sure',
  targets: 1,
  slots: 1,
  durationMs: 1_000_000,
  fleet: [
    {
      count: 1,
      medianMs: around(100, 0, 100, 100),
      noise: 0,
      ok: between(1, 1),
      cap: between(1, 1),
      faults: { connect: 1, hang: 0 },
    },
  ],
};

test('scenario names are unique', () => {
  const names = [...SCENARIOS, ...EXTRA_SCENARIOS].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('a free list is one tenth alive, now and later', () => {
  const world = new World(freeLarge, 5);
  for (const now of [0, 300_000, 600_000]) {
    const rows = Array.from({ length: world.fleet.size }, (_, row) => row);
    const alive = rows.filter((row) => world.fleet.isUp(row, now)).length / rows.length;
    expect(alive).toBeGreaterThan(0.08);
    expect(alive).toBeLessThan(0.12);
  }
});

test('one attempt more than the cap is refused, and a release makes room', () => {
  const world = new World(sure, 1);
  const reply = emptyReply();
  world.attempt(0, 0, 0, reply);
  expect(reply.kind).toBe('ok');
  world.attempt(0, 0, 0, reply);
  expect(reply.kind).toBe('connect-fault');
  world.release(0);
  world.release(0);
  world.attempt(0, 0, 0, reply);
  expect(reply.kind).toBe('ok');
});

describe('a token bucket', () => {
  const plan: WorldPlan = {
    ...sure,
    rules: [
      { share: 1, bucket: { perSecond: between(0.5, 0.5), burst: 4, strikes: 3, retryAfter: true }, banMs: 60_000 },
    ],
  };
  const answers = (world: World, instants: readonly number[]) =>
    instants.map((now) => {
      const reply = emptyReply();
      world.attempt(0, 0, now, reply);
      world.release(0);
      return reply;
    });

  test('lets a burst through, then the rate, and says when to come again', () => {
    const replies = answers(new World(plan, 1), [0, 0, 0, 0, 0, 2_000, 2_000]);
    expect(replies.map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok', 'ok', 'throttled', 'ok', 'throttled']);
    expect(replies[4]!.retryAfterMs).toBe(2_000);
  });

  test('bans after so many strikes', () => {
    const replies = answers(new World(plan, 1), [0, 0, 0, 0, 0, 0, 0, 1_000, 20_000]);
    expect(replies.map(({ kind }) => kind).slice(4)).toEqual([
      'throttled',
      'throttled',
      'throttled',
      'denied',
      'denied',
    ]);
  });

  test('opens at the instant it says it does', () => {
    const world = new World(plan, 1);
    answers(world, [0, 0, 0, 0]);
    const opensAt = world.sites.openAt(0, 0, 700);
    expect(opensAt).toBeCloseTo(2_000, 6);
    expect(answers(world, [opensAt])[0]!.kind).toBe('ok');
  });
});

test('every rate of dc-429 lies where its table says', () => {
  const { sites } = new World(dc429, 4);
  for (let target = 0; target < sites.count; target += 1) {
    expect(sites.limitOf(target)).toBeGreaterThanOrEqual(0.15);
    expect(sites.limitOf(target)).toBeLessThanOrEqual(0.65);
  }
});

test('two of five providers are silent while the outage lasts, and only then', () => {
  const { fleet } = new World(outage, 2);
  const silent = (now: number) =>
    Array.from({ length: fleet.size }, (_, row) => fleet.isUp(row, now)).filter((up) => !up);
  expect(silent(199_000)).toHaveLength(0);
  expect(silent(200_000)).toHaveLength(120);
  expect(silent(320_000)).toHaveLength(0);
});

test('an exchanged exit is another one', () => {
  const { fleet } = new World(resiCaps, 2);
  const before = Array.from(fleet.ok);
  fleet.refreshAll(299_000);
  expect(Array.from(fleet.ok).filter((ok, row) => ok !== before[row]).length).toBeGreaterThan(290);
});

test('targets are drawn by their popularity', () => {
  const world = new World({ ...sure, targets: 4 }, 1);
  const random = seededRandom(1);
  const counts = [0, 0, 0, 0];
  for (let draw = 0; draw < 40_000; draw += 1) counts[world.drawTarget(random)]! += 1;
  const weights = [1, 2, 3, 4].map((rank) => rank ** -0.8);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  for (const [target, count] of counts.entries()) expect(count / 40_000).toBeCloseTo(weights[target]! / sum, 1);
});

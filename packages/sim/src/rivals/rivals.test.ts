import { describe, expect, test } from 'vitest';
import type { Player, Request, Sight } from '../player.js';
import { seededRandom } from '../random.js';
import { best } from './best.js';
import { Fenwick } from './fenwick.js';
import { gated } from './gate.js';
import { p2c } from './p2c.js';
import { withPatience } from './patience.js';
import { product } from './product.js';
import { race } from './race.js';
import { roundRobin } from './round-robin.js';
import { thompson } from './thompson.js';

const request = (target = 0): Request => ({
  slot: 0,
  target,
  startedAt: 0,
  deadlineAt: 60_000,
  attempts: 0,
  live: 0,
  hedges: 0,
  tried: [],
  wakeAt: 0,
});

const see = (player: Player, endpoint: number, sight: Sight, tookMs = 100, now = 0, retryAfterMs = 0): void =>
  player.observe(request(), endpoint, sight, tookMs, now, retryAfterMs);

/** Share of 400 choices that fall on endpoint 0, each at once seen as `sights[endpoint]`. */
function shareOfFirst(player: Player, sights: readonly [Sight, number][]): number {
  let first = 0;
  for (let turn = 0; turn < 400; turn += 1) {
    const endpoint = player.choose(request(), turn * 1_000);
    if (endpoint === 0) first += 1;
    const [sight, tookMs] = sights[endpoint]!;
    see(player, endpoint, sight, tookMs, turn * 1_000 + 500);
  }
  return first / 400;
}

test('round robin takes turns', () => {
  const player = roundRobin(3);
  expect(Array.from({ length: 7 }, () => player.choose(request(), 0))).toEqual([0, 1, 2, 0, 1, 2, 0]);
});

describe('a learner prefers the endpoint that works', () => {
  const sights: [Sight, number][] = [
    ['ok', 300],
    ['connect-fault', 100],
    ['connect-fault', 100],
  ];
  test.each([
    ['thompson', thompson(3, seededRandom(1)), 0.9],
    ['product', product(3, seededRandom(1)), 0.7],
    ['p2c', p2c(3, seededRandom(1)), 0.5],
    ['race', race(3, 1, seededRandom(1), 1), 0.6],
    ['best', best(3), 0.8],
  ] as const)('%s', (_name, player, least) => expect(shareOfFirst(player, sights)).toBeGreaterThan(least));
});

test('to best, a fast refusal is a fast answer', () => {
  expect(
    shareOfFirst(best(2), [
      ['denied', 60],
      ['ok', 500],
    ]),
  ).toBeGreaterThan(0.9);
});

test('race leaves a pair alone for half a second', () => {
  const player = race(1, 1, seededRandom(1), 1);
  expect(player.choose(request(), 1_000)).toBe(0);
  expect(player.choose(request(), 1_400)).toBe(-1);
  expect(player.choose(request(), 1_500)).toBe(0);
});

describe('the gate', () => {
  const open = (player: Player, now: number): boolean => player.choose(request(), now) >= 0;

  test('lets nobody to a target that sent 429, for 60 s, then 120 s', () => {
    const player = gated(roundRobin(3), 2);
    see(player, 0, 'throttled', 100, 0);
    expect([open(player, 59_999), open(player, 60_000)]).toEqual([false, true]);
    see(player, 0, 'throttled', 100, 60_000);
    expect([open(player, 179_999), open(player, 180_000)]).toEqual([false, true]);
    expect(player.choose(request(1), 1)).toBeGreaterThanOrEqual(0);
  });

  test('obeys Retry-After', () => {
    const player = gated(roundRobin(3), 1);
    see(player, 0, 'throttled', 100, 0, 7_000);
    expect([open(player, 6_999), open(player, 7_000)]).toEqual([false, true]);
  });

  test('closes at the third 403 within a minute, unless a success came between', () => {
    const player = gated(roundRobin(3), 1);
    for (const now of [0, 1, 2]) {
      expect(open(player, now)).toBe(true);
      see(player, 0, 'denied', 100, now);
    }
    expect(open(player, 3)).toBe(false);
    const forgiven = gated(roundRobin(3), 1);
    for (const sight of ['denied', 'denied', 'ok', 'denied'] as const) see(forgiven, 0, sight);
    expect(open(forgiven, 1)).toBe(true);
    expect(forgiven.delivers!('denied')).toBe(true);
  });
});

test('patience is the whole timeout at first, and a high quantile of what was seen later', () => {
  const player = withPatience(roundRobin(1), 1, seededRandom(1));
  expect(player.patienceMs!(request(), 0)).toBe(8_000);
  const random = seededRandom(2);
  for (let turn = 0; turn < 500; turn += 1) see(player, 0, 'ok', 1_000 * (0.5 + random()));
  const waits = Array.from({ length: 200 }, () => player.patienceMs!(request(), 0));
  const early = waits.filter((ms) => ms < 8_000);
  expect(early.length).toBeGreaterThan(180);
  expect(early.length).toBeLessThan(200);
  expect(Math.max(...early)).toBeLessThan(2_500);
});

test('a Fenwick tree draws in proportion', () => {
  const tree = new Fenwick(5, 1);
  tree.set(2, 6);
  tree.set(4, 0);
  const random = seededRandom(3);
  const counts = [0, 0, 0, 0, 0];
  for (let draw = 0; draw < 9_000; draw += 1) counts[tree.draw(random())]! += 1;
  expect(counts[4]).toBe(0);
  expect(counts[2]! / 9_000).toBeCloseTo(6 / 9, 1);
});

import { tiers as costTiers } from '@fairlead/core';
import { describe, expect, test } from 'vitest';
import { run } from './experiment.js';
import { OURS, poolOptions } from './ours.js';
import { seesCaptcha } from './outcome-of.js';
import { PoolMatch } from './pool-match.js';
import type { Tally } from './tally.js';
import { dc429, dcBans } from './worlds/datacenter.js';
import { freeChurn } from './worlds/free.js';
import type { WorldPlan } from './worlds/plan.js';
import {
  dearestOnly,
  fairness,
  loneLimit,
  pileOn,
  PILE_ON_DEATH_MS,
  softBlocks,
  stickySessions,
  tiers,
} from './worlds/proving.js';
import { tiny } from './worlds/small.js';
import { World } from './worlds/world.js';

const brief = (plan: WorldPlan, seconds: number): WorldPlan => ({ ...plan, durationMs: seconds * 1_000 });
const print = (tally: Tally) => [tally.successes, tally.attempts, tally.rejections, ...tally.perSecond];

describe('the real pool in virtual time', () => {
  test.each([freeChurn, dc429, tiny])('one seed, one run: $name', async (plan) => {
    const short = brief(plan, 60);
    expect(print(await run(short, OURS, 5, 'rotate'))).toEqual(print(await run(short, OURS, 5, 'rotate')));
    expect(print(await run(short, OURS, 5, 'rotate'))).not.toEqual(print(await run(short, OURS, 6, 'rotate')));
  });

  test('holds what the world holds: leases out are attempts out', async () => {
    const world = new World(brief(freeChurn, 60), 2);
    const match = new PoolMatch(world, 2, poolOptions('rotate'));
    await match.play();
    const out = world.fleet.inFlight.reduce((sum, one) => sum + one, 0);
    expect(match.pool.stats().inFlight).toBe(out);
  });

  test('respects: after a 429 nothing reaches the target until the suspension ends', async () => {
    const world = new World(brief(dc429, 120), 2);
    const match = new PoolMatch(world, 2, poolOptions('respectful'));
    const closed = new Map<string, number>();
    const early: string[] = [];
    match.pool.on('suspended', ({ target, forMs }) => closed.set(target, match.queue.now + forMs));
    match.pool.on('leased', ({ target }) => {
      if ((closed.get(target) ?? 0) > match.queue.now) early.push(target);
    });
    await match.play();
    expect(closed.size).toBeGreaterThan(0);
    expect(early).toEqual([]);
  });
});

/** Attempts through the busiest of forty proxies that brought nothing, from its death to its first rest. */
async function failuresAfterDeath(seed: number, silent: boolean): Promise<number> {
  const world = new World(pileOn, seed);
  const match = new PoolMatch(world, seed, poolOptions('rotate'));
  let dead = '';
  let failures = 0;
  let rested = false;
  match.pool.on('settled', ({ endpoint, verdict }) => {
    if (endpoint === dead && !rested && verdict !== 'success') failures += 1;
  });
  match.pool.on('cooldown', ({ endpoint }) => {
    rested ||= endpoint === dead;
  });
  const happen = ({ fleet }: World): void => {
    const busiest = fleet.inFlight.indexOf(Math.max(...fleet.inFlight));
    dead = `http://10.0.0.${busiest}:8000`;
    if (silent) fleet.swallows = () => true;
    fleet.kill(busiest);
  };
  await match.play([{ atMs: PILE_ON_DEATH_MS, happen }]);
  expect(rested).toBe(true);
  return failures;
}

test.each([
  ['refuses from then on', false],
  ['answers nothing any more', true],
])('a proxy that dies under 64 callers and %s fails at most four more times before it rests', async (_, silent) => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) expect(await failuresAfterDeath(seed, silent)).toBeLessThanOrEqual(4);
});

test('one target that counts its callers slows nothing but itself', async () => {
  const plan = brief(loneLimit, 200);
  const free = { ...plan, rules: [] };
  const limited = await run(plan, OURS, 3, 'rotate');
  const unlimited = await run(free, OURS, 3, 'rotate');
  const counted = new World(plan, 3);
  const ruled = Array.from({ length: plan.targets }, (_, target) => target).filter(
    (t) => counted.sites.rule(t) !== undefined,
  );
  expect(ruled).toHaveLength(1);
  const bound = await run(plan, 'oracle', 3, 'rotate');
  expect(limited.successes / bound.successes).toBeGreaterThan(0.7);
  expect((limited.rejections / limited.successes) * 100).toBeLessThan(5);
  expect(unlimited.rejections).toBe(0);
});

test('a block that looks like a page is seen with a classifier, and not without', async () => {
  const plan = brief(softBlocks, 200);
  const play = (options: object) =>
    new PoolMatch(new World(plan, 4), 4, { ...poolOptions('rotate'), ...options }).play();
  const seeing = await play({ classify: seesCaptcha });
  const blind = await play({});
  expect(seeing.successes).toBeGreaterThan(1.15 * blind.successes);
  expect(seeing.captchas / seeing.attempts).toBeLessThan(0.2);
});

test('the least served of equal targets gets four fifths of its share', async () => {
  const tally = await run(brief(fairness, 100), OURS, 5, 'rotate');
  const share = tally.successes / fairness.targets;
  expect(Math.min(...tally.servedByTarget)).toBeGreaterThanOrEqual(0.8 * share);
});

test('bans are paced for, not run into', async () => {
  const tally = await run(dcBans, OURS, 3, 'rotate');
  expect((tally.rejections / tally.successes) * 100).toBeLessThan(10);
});

test('a session keeps its exit while that lives', async () => {
  const tally = await run(brief(stickySessions, 120), OURS, 3, 'rotate');
  // 60 endpoints die every 600 s: a dozen deaths, each of which moves the two sessions bound there, more or less once.
  expect(tally.exitChanges / tally.successes).toBeLessThan(0.05);
  expect(tally.failed / tally.successes).toBeLessThan(0.02);
});

/** The share of attempts in any tier but the cheapest, and attempts beyond one per success. */
async function tierPlay(plan: WorldPlan, seed: number) {
  const { attempts, attemptsByTier, successes } = await new PoolMatch(new World(plan, seed), seed, {
    ...poolOptions('rotate'),
    strategy: costTiers(),
  }).play();
  return { dear: 1 - attemptsByTier[0]! / attempts, wasted: attempts / successes - 1 };
}

test.each([1, 2, 3])('of tiers nearly as good the cheap one carries nearly all, seed %i', async (seed) => {
  expect((await tierPlay(brief(tiers, 200), seed)).dear).toBeLessThanOrEqual(0.12);
});

test.each([1, 2, 3])(
  'where only the dearest tier works few attempts are wasted on the others, seed %i',
  async (seed) => {
    expect((await tierPlay(dearestOnly, seed)).wasted).toBeLessThanOrEqual(0.2);
  },
);

import { describe, expect, test } from 'vitest';
import { play } from './engine.js';
import { bestPatience, Oracle } from './oracle.js';
import { between, around, type FleetPart, type WorldPlan } from './worlds/plan.js';
import { World } from './worlds/world.js';

/** Without noise or chance: every attempt takes `ms`. */
const exact = (count: number, ms: number, cap: number, ok = 1): FleetPart => ({
  count,
  medianMs: around(ms, 0, ms, ms),
  noise: 0,
  ok: between(ok, ok),
  cap: between(cap, cap),
  faults: { connect: 1, hang: 0 },
});

const seconds = 600;
const plan = (name: string, rest: Partial<WorldPlan> & { fleet: readonly FleetPart[] }): WorldPlan => ({
  name,
  targets: 1,
  slots: 50,
  durationMs: seconds * 1_000,
  ...rest,
});

/** Worlds whose best possible goodput can be written down. */
const CLOSED_FORMS: readonly { readonly world: WorldPlan; readonly why: string; readonly best: number }[] = [
  {
    why: 'places are short: every place is always busy',
    world: plan('caps', { fleet: [exact(8, 1_000, 3)] }),
    best: 8 * 3 * seconds,
  },
  {
    why: 'the fast ones first, the slow ones for the rest',
    world: plan('two-speeds', { slots: 10, fleet: [exact(2, 500, 3), exact(20, 2_000, 1)] }),
    best: (6 / 0.5 + 4 / 2) * seconds,
  },
  {
    why: 'every token of every bucket, and the bursts they began with',
    world: plan('tokens', {
      slots: 100,
      fleet: [exact(20, 400, 10)],
      rules: [{ share: 1, bucket: { perSecond: between(0.5, 0.5), burst: 4, strikes: 10, retryAfter: false } }],
    }),
    best: 20 * (4 + 0.5 * seconds),
  },
  {
    why: 'half of the attempts fail after three tenths of the time: 1 + .3 per success',
    world: plan('coin', { slots: 40, fleet: [exact(10, 1_000, 4, 0.5)] }),
    best: (40 / 1.3) * seconds,
  },
];

describe('the oracle reaches 98 % of the closed form where', () => {
  test.each(CLOSED_FORMS)('$why', ({ world: plan, best }) => {
    const world = new World(plan, 1);
    const { successes } = play(world, new Oracle(world), 1);
    expect(successes / best).toBeGreaterThan(0.98);
    expect(successes / best).toBeLessThan(1.02);
  });
});

test('patience grows with the part of failures that would be slow answers, not with hanging ones', () => {
  const hanging = bestPatience(0.5, 0, 1, 0.4);
  const refusing = bestPatience(0.5, 1, 0, 0.4);
  expect(hanging.patience).toBeLessThan(refusing.patience);
  expect(hanging.cost).toBeGreaterThan(refusing.cost);
});

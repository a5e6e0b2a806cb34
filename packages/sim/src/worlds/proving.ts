import { datacenterEndpoints } from './datacenter.js';
import { around, between, type FleetPart, type WorldPlan } from './plan.js';

/** Small worlds that each ask one question. None enters the score. */

const tier = (level: number, ok: number, pricePerAttempt: number): FleetPart => ({
  count: 20,
  medianMs: around(800, 0.3, 300, 2_000),
  noise: 0.3,
  ok: between(ok, ok),
  cap: between(8, 12),
  faults: { connect: 0.5, hang: 0.1 },
  tier: level,
  pricePerAttempt,
});

/** Cheap endpoints nearly as good as dear ones: how much of the dear is bought for nothing? */
export const tiers: WorldPlan = {
  name: 'tiers',
  targets: 10,
  slots: 40,
  durationMs: 300_000,
  fleet: [tier(0, 0.9, 1), tier(1, 0.95, 5), tier(2, 0.99, 25)],
};

/** Only the dearest gets through: how many attempts are wasted until that is known? */
export const dearestOnly: WorldPlan = {
  ...tiers,
  name: 'dearest-only',
  fleet: [tier(0, 0.001, 1), tier(1, 0.001, 5), tier(2, 0.99, 25)],
};

/** 64 callers and plenty of room, until one proxy dies under them. */
export const pileOn: WorldPlan = {
  name: 'pile-on',
  targets: 8,
  slots: 64,
  durationMs: 120_000,
  fleet: [{ ...datacenterEndpoints(40), ok: between(1, 1), cap: between(4, 4) }],
};
export const PILE_ON_DEATH_MS = 60_000;

/** One target among ten counts its callers: nothing but it may slow down. */
export const loneLimit: WorldPlan = {
  name: 'lone-limit',
  targets: 10,
  slots: 40,
  durationMs: 300_000,
  fleet: [datacenterEndpoints(40)],
  rules: [
    { share: 0.1, bucket: { perSecond: between(0.2, 0.4), burst: 4, strikes: 10, retryAfter: true }, banMs: 120_000 },
  ],
};

/** A ban that looks like a page. */
export const softBlocks: WorldPlan = {
  name: 'soft-blocks',
  targets: 12,
  slots: 40,
  durationMs: 400_000,
  fleet: [datacenterEndpoints(40)],
  rules: [{ share: 1, ban: { hazard: 0.05, shown: 'captcha' }, banMs: 120_000 }],
};

/** Equal targets, scarce endpoints: does each get its share? */
export const fairness: WorldPlan = {
  name: 'fairness',
  targets: 8,
  slots: 64,
  durationMs: 200_000,
  zipf: 0,
  fleet: [{ ...datacenterEndpoints(10), cap: between(3, 3) }],
};

/** Sessions over endpoints that die now and then: how often does one leave by another exit than before? */
export const stickySessions: WorldPlan = {
  name: 'sticky-sessions',
  targets: 10,
  slots: 40,
  durationMs: 300_000,
  sessions: 120,
  fleet: [{ ...datacenterEndpoints(60), life: { upMs: 600_000, downMs: 60_000, hangShare: 0.5 }, cap: between(8, 12) }],
};

/** All answered at the same speed and for ever: what a saved state is worth is then what the cold start costs. */
export const warmRestart: WorldPlan = {
  name: 'warm-restart',
  targets: 20,
  slots: 40,
  durationMs: 120_000,
  fleet: [
    {
      ...datacenterEndpoints(200),
      ok: between(0.3, 0.98),
      medianMs: around(1_500, 0.7, 300, 8_000),
      cap: between(2, 6),
    },
  ],
};

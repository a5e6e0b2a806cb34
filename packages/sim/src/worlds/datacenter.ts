import { around, between, type FleetPart, type WorldPlan } from './plan.js';

/** Rented servers: fast and sure, known to targets, and therefore counted by them. */
export const datacenterEndpoints = (count: number): FleetPart => ({
  count,
  medianMs: around(450, 0.3, 150, 2_000),
  noise: 0.25,
  ok: between(0.96, 0.995),
  cap: between(12, 20),
  faults: { connect: 0.5, hang: 0.2 },
});

export const dcBans: WorldPlan = {
  name: 'dc-bans',
  targets: 12,
  slots: 40,
  durationMs: 500_000,
  fleet: [datacenterEndpoints(40)],
  rules: [{ share: 1, ban: { hazard: 0.05, shown: 'denied' }, banMs: 120_000 }],
};

export const dc429: WorldPlan = {
  name: 'dc-429',
  targets: 10,
  slots: 40,
  durationMs: 500_000,
  fleet: [datacenterEndpoints(40)],
  rules: [
    { share: 1, bucket: { perSecond: between(0.15, 0.65), burst: 4, strikes: 10, retryAfter: false }, banMs: 120_000 },
  ],
};

/** Cap, latency and success are fine: only the far side fails. */
export const targetDown: WorldPlan = {
  name: 'target-down',
  targets: 10,
  slots: 80,
  durationMs: 500_000,
  fleet: [
    {
      ...datacenterEndpoints(120),
      medianMs: around(700, 0.4, 200, 3_000),
      ok: between(0.85, 0.97),
      cap: between(4, 10),
    },
  ],
  troubles: [{ kind: 'targets-down', share: 2 / 3, lastsMs: between(120_000, 150_000), errorShare: 0.6 }],
};

export const degrade: WorldPlan = {
  name: 'degrade',
  targets: 10,
  slots: 60,
  durationMs: 600_000,
  fleet: [
    { ...datacenterEndpoints(80), medianMs: around(800, 0.4, 200, 3_000), ok: between(0.9, 0.98), cap: between(3, 8) },
  ],
  troubles: [{ kind: 'degrade', share: 0.5, fromMs: 150_000, toMs: 350_000, latency: 12, ok: 0.55 }],
};

import { around, between, type FleetPart, type WorldPlan } from './plan.js';

const one: FleetPart = {
  count: 1,
  medianMs: around(800, 0.3, 400, 1_600),
  noise: 0.3,
  ok: between(0.45, 0.45),
  cap: between(6, 10),
  faults: { connect: 0.5, hang: 0.2 },
};

/** Four proxies: nobody to spare, so that benching one too long is felt at once. */
export const tiny: WorldPlan = {
  name: 'tiny',
  targets: 5,
  slots: 12,
  durationMs: 600_000,
  fleet: [one, { ...one, count: 3, ok: between(0.93, 0.98), life: { upMs: 200_000, downMs: 15_000, hangShare: 0.5 } }],
};

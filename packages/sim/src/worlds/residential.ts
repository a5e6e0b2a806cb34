import { around, between, type FleetPart, type WorldPlan } from './plan.js';

/** Rented home connections: good, few at once on each, and now and then a different home. */
export const residentialEndpoints = (count: number): FleetPart => ({
  count,
  medianMs: around(1_100, 0.4, 300, 6_000),
  noise: 0.35,
  ok: between(0.88, 0.98),
  cap: between(2, 4),
  faults: { connect: 0.4, hang: 0.3 },
  exits: { everyMs: 300_000, badShare: 0.1, badOk: between(0.05, 0.4) },
  providers: 5,
});

export const resiCaps: WorldPlan = {
  name: 'resi-caps',
  targets: 30,
  slots: 200,
  durationMs: 400_000,
  fleet: [residentialEndpoints(300)],
};

/** Arrival-bound: every policy serves the same sixty a second, and is judged by latency and waste. */
export const resiOpen: WorldPlan = { ...resiCaps, name: 'resi-open', durationMs: 500_000, arrivalsPerSecond: 60 };

export const outage: WorldPlan = {
  name: 'outage',
  targets: 20,
  slots: 100,
  durationMs: 500_000,
  fleet: [{ ...residentialEndpoints(300), exits: { everyMs: 300_000, badShare: 0.02, badOk: between(0.05, 0.4) } }],
  troubles: [{ kind: 'outage', providers: 2, fromMs: 200_000, toMs: 320_000 }],
};

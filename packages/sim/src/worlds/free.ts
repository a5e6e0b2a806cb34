import { around, between, type FleetPart, type WorldPlan } from './plan.js';

/** What public lists hold: one in ten alive, slow, and most of the dead swallow the request. */
export const freeEndpoints = (count: number, upMs: number, downMs: number): FleetPart => ({
  count,
  medianMs: around(1_500, 0.7, 300, 8_000),
  noise: 0.45,
  ok: between(0.5, 0.95),
  cap: between(2, 6),
  faults: { connect: 0.5, hang: 0.3 },
  life: { upMs, downMs, hangShare: 0.7 },
});

const minutes = (n: number): number => n * 60_000;

export const freeLarge: WorldPlan = {
  name: 'free-large',
  targets: 50,
  slots: 100,
  durationMs: 600_000,
  fleet: [freeEndpoints(2_000, minutes(20), minutes(180))],
};

export const freeChurn: WorldPlan = {
  name: 'free-churn',
  targets: 20,
  slots: 40,
  durationMs: 600_000,
  fleet: [freeEndpoints(400, 150_000, 1_500_000)],
};

/** A cold start on a long list: most of the time is spent finding out who lives. */
const scale = (name: string, count: number): WorldPlan => ({
  name,
  targets: 50,
  slots: 200,
  durationMs: 300_000,
  fleet: [freeEndpoints(count, minutes(20), minutes(180))],
});

export const scale20k = scale('scale-20k', 20_000);
export const scale100k = scale('scale-100k', 100_000);

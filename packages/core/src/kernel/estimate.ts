import type { EtsConstants } from './defaults.js';
import { noveltyRate, type Fleet } from './fleet.js';
import { PROVEN, type Row, type Table } from './table.js';

/** The success rate an endpoint is presumed to have before its own attempts speak. */
export function priorOf(table: Table, fleet: Fleet, row: Row, now: number, c: EtsConstants): number {
  const novelty = noveltyRate(fleet, now, c);
  return (table.flags[row]! & PROVEN) === 0 ? novelty : Math.max(c.provenPrior, novelty);
}

/** The chance that the next attempt succeeds: the mean, since a Thompson draw gained nothing. */
export function successRate(success: number, failure: number, prior: number, c: EtsConstants): number {
  return (c.priorWeight * prior + success) / (c.priorWeight + success + failure);
}

const STEPS = 64;
const LONGEST = 16;
/** e^-x at steps of 1/64: read eight times a ranking, where the function itself would take half of the time. */
const FADES = Float64Array.from({ length: LONGEST * STEPS + 2 }, (_, step) => Math.exp(-step / STEPS));

/** What is left of a mass after `elapsed`: e^(-elapsed/tau) to within 0.00004. */
export function fadeOver(elapsed: number, tau: number): number {
  const x = (elapsed / tau) * STEPS;
  if (x <= 0) return 1;
  if (x >= LONGEST * STEPS) return 0;
  const step = Math.trunc(x);
  const here = FADES[step]!;
  return here + (x - step) * (FADES[step + 1]! - here);
}

/** The row's success rate now. Reads; decays nothing. */
export function rateOf(table: Table, fleet: Fleet, row: Row, now: number, c: EtsConstants): number {
  const fade = fadeOver(now - table.epoch - table.touched[row]!, c.tauMs);
  const prior = priorOf(table, fleet, row, now, c);
  return successRate(table.success[row]! * fade, table.failure[row]! * fade, prior, c);
}

/** Expected milliseconds to a success: minimising it and maximising successes per slot-second are one and the same. */
export function expectedTime(latency: number, rate: number, failureMs: number): number {
  return latency + ((1 - rate) / rate) * failureMs;
}

/** Expected milliseconds to a success through the row, now, with what it already carries. */
export function costOf(table: Table, fleet: Fleet, row: Row, now: number, c: EtsConstants): number {
  // What is quicker still differs by this process' own queue more than by the endpoint.
  const latency = Math.max(c.latencyFloorMs, table.latency[row]! || fleet.latencyMs);
  const time = expectedTime(latency, rateOf(table, fleet, row, now, c), fleet.failureMs);
  return time * (1 + (c.loadWeight * table.inFlight[row]!) / table.limit[row]!);
}

/** Brings the row's masses up to `now`, so that what comes next is added to them as they are. */
export function decay(table: Table, row: Row, now: number, c: EtsConstants): void {
  const fade = fadeOver(now - table.epoch - table.touched[row]!, c.tauMs);
  table.success[row] = table.success[row]! * fade;
  table.failure[row] = table.failure[row]! * fade;
  table.touched[row] = now - table.epoch;
}

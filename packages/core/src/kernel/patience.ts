import type { EtsConstants } from './defaults.js';
import { rateOf } from './estimate.js';
import { emissionMs } from './interval.js';
import { LEVELS, type Fleet } from './fleet.js';
import { bestCuts, quantileOf } from './quantiles.js';
import type { KernelState } from './state.js';
import type { Row } from './table.js';

/** The cuts are reckoned anew when the successes since are this part of all, and at least so many: it walks all bins. */
const STALE_PART = 1 / 16;
const STALE_AFTER = 32;
const RATES = Float64Array.from({ length: LEVELS }, (_, level) => (level + 0.5) / LEVELS);

/** When to give an attempt up: where starting anew through this endpoint or another is expected to be quicker. */
export function abandonAfter(
  state: KernelState,
  row: Row,
  target: number,
  timeoutMs: number,
  random: () => number,
): number {
  const { constants: c, fleet } = state;
  if (fleet.ratios.total < c.abandonSamples) return timeoutMs;
  // Where pairs are paced it is they that are scarce: to give one up spends what must be waited for.
  const paced = emissionMs(state.targets.states[target]!) > 0;
  const wait = patienceOf(state, row) * (paced ? c.pacedPatience : 1);
  // A few wait longer, or nobody would ever learn of the successes that come late.
  const factor = random() < c.fullTimeoutShare ? c.fullTimeoutFactor : 1;
  return Math.min(timeoutMs, Math.max(c.abandonMinMs, wait * factor));
}

/** The same without the few that wait longer. */
export function patienceOf(state: KernelState, row: Row): number {
  const { fleet, table, constants: c } = state;
  reckon(fleet, c);
  const latency = table.latency[row]!;
  if (latency === 0) return fleet.patience.untriedMs;
  // As it was when last touched: a tenth of a level is not worth a reading of the clock.
  const rate = rateOf(table, fleet, row, table.epoch + table.touched[row]!, c);
  const level = Math.min(LEVELS - 1, Math.floor(rate * LEVELS));
  return Math.max(c.abandonMinMs, latency * fleet.patience.cuts[level]!);
}

/** When to start a second attempt beside this one. */
export function hedgeAfter({ constants: c, fleet, table }: KernelState, row: Row): number {
  if (fleet.ratios.total < c.abandonSamples) return Number.POSITIVE_INFINITY;
  reckon(fleet, c);
  const latency = table.latency[row]! || fleet.latencyMs;
  return Math.max(c.hedgeMinMs, latency * fleet.patience.hedgeRatio);
}

function reckon(fleet: Fleet, c: EtsConstants): void {
  const { patience, ratios } = fleet;
  if (patience.since < Math.max(STALE_AFTER, STALE_PART * ratios.total)) return;
  patience.since = 0;
  const { cuts } = patience;
  bestCuts(ratios, RATES, patience, cuts);
  // Latencies all alike would be cut to the very bin, and an endpoint a little slower today would answer nothing.
  for (let level = 0; level < LEVELS; level += 1) cuts[level] = Math.max(c.abandonMinRatio, cuts[level]!);
  patience.untriedMs = untriedCut(fleet, c);
  patience.hedgeRatio = quantileOf(ratios, c.hedgeQuantile);
}

/** Where an untried endpoint costs the least time for each that answers. */
function untriedCut({ firsts, patience, noveltyRate }: Fleet, c: EtsConstants): number {
  if (firsts.total < c.firstSamples) return Number.POSITIVE_INFINITY;
  const failures = { hangs: patience.untriedHangs, quick: patience.untriedQuickMs };
  bestCuts(firsts, Float64Array.of(noveltyRate), failures, cut);
  return Math.max(c.abandonMinMs, cut[0]!);
}

const cut = new Float64Array(1);

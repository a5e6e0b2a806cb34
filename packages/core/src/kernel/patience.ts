import { quantileOf } from './quantiles.js';
import type { KernelState } from './state.js';
import type { Row } from './table.js';

/** When to give an attempt up: past what nearly every success through this endpoint takes. */
export function abandonAfter(state: KernelState, row: Row, timeoutMs: number, random: () => number): number {
  const { constants: c, fleet, table } = state;
  if (fleet.ratios.total < c.abandonSamples) return timeoutMs;
  if (random() < c.fullTimeoutShare) return timeoutMs;
  const latency = table.latency[row]!;
  const wait =
    latency > 0
      ? latency * quantileOf(fleet.ratios, c.abandonQuantile)
      : c.abandonUntriedFactor * quantileOf(fleet.latencies, c.abandonUntriedQuantile);
  return Math.min(timeoutMs, Math.max(c.abandonMinMs, wait));
}

/** When to start a second attempt beside this one. */
export function hedgeAfter({ constants: c, fleet, table }: KernelState, row: Row): number {
  if (fleet.ratios.total < c.abandonSamples) return Number.POSITIVE_INFINITY;
  const latency = table.latency[row]! || fleet.latencyMs;
  return Math.max(c.hedgeMinMs, latency * quantileOf(fleet.ratios, c.hedgeQuantile));
}

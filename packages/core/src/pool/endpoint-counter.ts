import { nearestRank } from '../kernel/quantiles.js';
import type { EndpointId } from '../endpoint.js';
import type { Outcome, Verdict } from '../outcome.js';
import type { EndpointStanding, EndpointStats } from './stats.js';

const SAMPLES = 128;
const MOST_CODES = 64;

/** Counts what happened at one endpoint; keeps the last latencies. */
export class EndpointCounter {
  attempts = 0;
  succeeded = 0;
  readonly errors = new Map<string, number>();
  readonly #latencies: number[] = [];
  #next = 0;
  /** The latencies in order, until the next one comes. */
  #sorted: readonly number[] | undefined;

  record(outcome: Outcome, verdict: Verdict): void {
    this.attempts += 1;
    if (verdict === 'success' || verdict === 'final') this.succeeded += 1;
    if (outcome.kind === 'failure') this.#countError(outcome.code);
    if (outcome.kind !== 'response') return;
    if (verdict !== 'success' && verdict !== 'final') this.#countError(String(outcome.status));
    this.#latencies[this.#next] = outcome.latencyMs;
    this.#next = (this.#next + 1) % SAMPLES;
    this.#sorted = undefined;
  }

  #countError(code: string): void {
    // Codes come from whoever reports: there is no end to what they may say.
    if (this.errors.size >= MOST_CODES && !this.errors.has(code)) return;
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  snapshot(id: EndpointId, standing: EndpointStanding, inFlight: number): Omit<EndpointStats, 'tier'> {
    const sorted = (this.#sorted ??= [...this.#latencies].sort((a, b) => a - b));
    return {
      id,
      attempts: this.attempts,
      succeeded: this.succeeded,
      standing,
      inFlight,
      latencyP50: sorted.length === 0 ? undefined : nearestRank(sorted, 0.5),
      latencyP95: sorted.length === 0 ? undefined : nearestRank(sorted, 0.95),
      errors: Object.fromEntries(this.errors),
    };
  }
}

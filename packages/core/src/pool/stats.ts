import type { EndpointId } from '../endpoint.js';
import type { Outcome, Verdict } from '../outcome.js';

/** What has been seen of one endpoint since it joined. */
export interface EndpointStats {
  readonly id: EndpointId;
  readonly attempts: number;
  readonly succeeded: number;
  readonly inFlight: number;
  readonly latencyP50: number | undefined;
  readonly latencyP95: number | undefined;
  /** Failures by code, and refusals by status. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface PoolStats {
  readonly attempts: number;
  readonly succeeded: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly endpoints: readonly EndpointStats[];
}

const SAMPLES = 128;

/** Counts what happened at one endpoint; keeps the last latencies. */
export class EndpointCounter {
  attempts = 0;
  succeeded = 0;
  readonly errors = new Map<string, number>();
  readonly #latencies: number[] = [];
  #next = 0;

  record(outcome: Outcome, verdict: Verdict): void {
    this.attempts += 1;
    if (verdict === 'success' || verdict === 'final') this.succeeded += 1;
    if (outcome.kind === 'failure') this.#countError(outcome.code);
    if (outcome.kind !== 'response') return;
    if (verdict !== 'success' && verdict !== 'final') this.#countError(String(outcome.status));
    this.#latencies[this.#next] = outcome.latencyMs;
    this.#next = (this.#next + 1) % SAMPLES;
  }

  #countError(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  snapshot(id: EndpointId, inFlight: number): EndpointStats {
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    return {
      id,
      attempts: this.attempts,
      succeeded: this.succeeded,
      inFlight,
      latencyP50: nearestRank(sorted, 0.5),
      latencyP95: nearestRank(sorted, 0.95),
      errors: Object.fromEntries(this.errors),
    };
  }
}

/** The smallest sample that at least `q` of all samples do not exceed. */
export function nearestRank(sorted: readonly number[], q: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

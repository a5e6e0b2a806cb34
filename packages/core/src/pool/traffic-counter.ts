import { nearestRank } from '../kernel/quantiles.js';
import type { Outcome, Verdict } from '../outcome.js';

/** Attempts of which latencies and ends are remembered one by one. */
const SAMPLES = 128;
const MOST_CODES = 64;
const MOST_REFUSALS = 32;

/** How many answers of the other side were refusals. */
export interface Refusals {
  /** Answers that ask to slow down: a 429. */
  readonly throttled: number;
  /** Answers that turn away: a 403, or what a classifier took for one. */
  readonly denied: number;
}

/** What was seen of one endpoint, or of one target. */
export interface TrafficStats {
  readonly attempts: number;
  readonly succeeded: number;
  readonly inFlight: number;
  readonly latencyP50: number | undefined;
  readonly latencyP95: number | undefined;
  /** Of the last 128 attempts: those that took too long, and those that never came past the proxy. */
  readonly recentTimeouts: number;
  readonly recentConnectErrors: number;
  /** Whether the last attempt that could tell got through; undefined before the first. */
  readonly reachable: boolean | undefined;
  /** By target for an endpoint, by endpoint for a target; the last thirty-two of them. */
  readonly refusals: Readonly<Record<string, Refusals>>;
  /** What `pool.countBytes` was told. */
  readonly bytes: number;
  /** Failures by code, and refusals by status. */
  readonly errors: Readonly<Record<string, number>>;
}

/** How an attempt ended, as far as the window of the last ones tells them apart. */
const End = Object.freeze({ good: 0, refused: 1, timeout: 2, connect: 3, other: 4 });

/** What has to be reckoned, kept until the next attempt: pictures are taken more often than most endpoints are used. */
type Digest = Pick<
  TrafficStats,
  'latencyP50' | 'latencyP95' | 'recentTimeouts' | 'recentConnectErrors' | 'refusals' | 'errors'
>;

/** Counts what happened at one endpoint or target; keeps the last latencies. */
export class TrafficCounter {
  attempts = 0;
  succeeded = 0;
  bytes = 0;
  readonly #errors = new Map<string, number>();
  readonly #refusals = new Map<string, { throttled: number; denied: number }>();
  readonly #latencies: number[] = [];
  readonly #ends: number[] = [];
  #nextLatency = 0;
  #nextEnd = 0;
  #reachable: boolean | undefined;
  #told: Digest | undefined;

  /** `other` is the target of an endpoint, or the endpoint of a target. */
  record(outcome: Outcome, verdict: Verdict, other: string): void {
    this.#told = undefined;
    this.attempts += 1;
    const good = verdict === 'success' || verdict === 'final';
    if (good) this.succeeded += 1;
    // What was called off says nothing of either side.
    if (verdict !== 'abandoned') this.#remember(endOf(outcome, good));
    if (outcome.kind === 'failure') return this.#failed(outcome.code, verdict);
    if (outcome.kind !== 'response') return;
    this.#reachable = verdict !== 'endpoint-fault';
    if (!good) this.#countError(String(outcome.status));
    if (verdict === 'throttled' || verdict === 'denied') this.#refused(verdict, other);
    this.#latencies[this.#nextLatency] = outcome.latencyMs;
    this.#nextLatency = (this.#nextLatency + 1) % SAMPLES;
  }

  /** Successes among the last attempts, at most `window` of them. */
  recent(window: number): { readonly attempts: number; readonly succeeded: number } {
    const attempts = Math.min(window, this.#ends.length);
    let succeeded = 0;
    for (let back = 1; back <= attempts; back += 1) {
      const end = this.#ends[(this.#nextEnd - back + SAMPLES) % SAMPLES];
      // A refusal came through: another path at once would be refused as well.
      if (end === End.good) succeeded += 1;
    }
    return { attempts, succeeded };
  }

  snapshot(inFlight: number): TrafficStats {
    const told = (this.#told ??= this.#digest());
    return {
      attempts: this.attempts,
      succeeded: this.succeeded,
      inFlight,
      latencyP50: told.latencyP50,
      latencyP95: told.latencyP95,
      recentTimeouts: told.recentTimeouts,
      recentConnectErrors: told.recentConnectErrors,
      reachable: this.#reachable,
      refusals: told.refusals,
      bytes: this.bytes,
      errors: told.errors,
    };
  }

  #digest(): Digest {
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    return {
      latencyP50: sorted.length === 0 ? undefined : nearestRank(sorted, 0.5),
      latencyP95: sorted.length === 0 ? undefined : nearestRank(sorted, 0.95),
      recentTimeouts: this.#ends.filter((end) => end === End.timeout).length,
      recentConnectErrors: this.#ends.filter((end) => end === End.connect).length,
      refusals: ownCopy(this.#refusals, (counts) => Object.freeze({ ...counts })),
      errors: ownCopy(this.#errors, (count) => count),
    };
  }

  #remember(end: number): void {
    this.#ends[this.#nextEnd] = end;
    this.#nextEnd = (this.#nextEnd + 1) % SAMPLES;
  }

  #failed(code: string, verdict: Verdict): void {
    if (verdict === 'abandoned') return;
    this.#reachable = false;
    this.#countError(code);
  }

  #countError(code: string): void {
    const known = this.#errors.get(code);
    // Codes come from whoever reports: there is no end to what they may say.
    if (known === undefined && this.#errors.size >= MOST_CODES) return;
    this.#errors.set(code, (known ?? 0) + 1);
  }

  #refused(verdict: 'throttled' | 'denied', other: string): void {
    const counts = this.#refusals.get(other) ?? { throttled: 0, denied: 0 };
    counts[verdict] += 1;
    // Put last: who refused longest ago gives way.
    this.#refusals.delete(other);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size >= MOST_REFUSALS && oldest !== undefined) this.#refusals.delete(oldest);
    this.#refusals.set(other, counts);
  }
}

function endOf(outcome: Outcome, good: boolean): number {
  if (good) return End.good;
  if (outcome.kind !== 'failure') return End.refused;
  if (/timeout|timedout/i.test(outcome.code)) return End.timeout;
  return outcome.sent === 'nothing' ? End.connect : End.other;
}

/** Keys are other people's text: an object without a prototype, so that none of them means anything. */
function ownCopy<T, U>(map: ReadonlyMap<string, T>, read: (value: T) => U): Readonly<Record<string, U>> {
  const copy = Object.create(null) as Record<string, U>;
  for (const [key, value] of map) copy[key] = read(value);
  return Object.freeze(copy);
}

import type { ClientName } from './clients.js';

/** What the bench's client shall measure. */
export interface BenchOrder {
  readonly targetUrl: string;
  readonly rounds: number;
  readonly requests: number;
  readonly concurrency: number;
  readonly clients: readonly ClientName[];
  readonly withFresh: boolean;
  readonly proxies: readonly { readonly name: string; readonly kind: 'http' | 'socks'; readonly url: string }[];
}

/** The dialer, a stock agent that is kept, a stock agent for each request. */
export type Rival = 'ours' | 'cached' | 'fresh';

/** What all requests of a round took: by the clock, and of the client's core. */
export interface RoundTime {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export interface Comparison {
  /** `fresh` over HTTP proxies alone. */
  readonly rounds: readonly Readonly<Partial<Record<Rival, RoundTime>>>[];
  /** The most that one round of the dialer's needed. */
  readonly tlsHandshakes: number;
}

export interface ClientFigures extends Comparison {
  readonly client: ClientName;
  readonly proxy: string;
  readonly kind: 'http' | 'socks';
}

export interface BenchReport {
  readonly figures: readonly ClientFigures[];
}

/** Requests per second: the median over the rounds. */
export function rateOf({ rounds }: Comparison, rival: Rival, requests: number): number {
  return Math.round((requests / median(timesOf(rounds, rival, 'wallMs'))) * 1000);
}

/**
 * How many times the rival's time was ours: the median of what the rounds say, each of which compares two neighbours in
 * time. The machine's mood changes more slowly than that.
 */
export function factorOf({ rounds }: Comparison, rival: Rival, by: keyof RoundTime = 'wallMs'): number {
  const ours = timesOf(rounds, 'ours', by);
  return median(timesOf(rounds, rival, by).map((time, n) => time / ours[n]!));
}

function timesOf(rounds: Comparison['rounds'], rival: Rival, by: keyof RoundTime): number[] {
  return rounds.flatMap((times) => times[rival]?.[by] ?? []);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

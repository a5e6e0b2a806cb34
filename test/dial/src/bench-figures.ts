import type { ClientName } from './clients.js';

/** The dialer, a stock agent that is kept, a stock agent for each request, and no proxy at all: what no agent can beat. */
export type Rival = 'ours' | 'cached' | 'fresh' | 'direct';

/** What one client process shall send, through what. */
export interface BenchOrder {
  readonly client: ClientName;
  readonly rival: Rival;
  readonly proxyUrl: string;
  readonly targetUrl: string;
  readonly concurrency: number;
}

/** What a request took: by the clock, and of the client's core. */
export interface RequestTime {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** One library through one proxy. */
export interface Comparison {
  readonly client: ClientName;
  readonly proxy: string;
  readonly kind: 'http' | 'socks';
  readonly rounds: readonly Readonly<Partial<Record<Rival, RequestTime>>>[];
  /** The most that one round of the dialer's needed. */
  readonly tlsHandshakes: number;
}

/** Requests per second: the median over the rounds. */
export function rateOf({ rounds }: Comparison, rival: Rival): number {
  return Math.round(1000 / median(timesOf(rounds, rival, 'wallMs')));
}

/**
 * How many times the rival's time was ours: the median of what the rounds say, each of which compares two neighbours in
 * time. The machine's mood changes more slowly than that.
 */
export function factorOf(
  { rounds }: Comparison,
  rival: Rival,
  by: keyof RequestTime = 'wallMs',
  against: Rival = 'ours',
): number {
  const ours = timesOf(rounds, against, by);
  return median(timesOf(rounds, rival, by).map((time, n) => time / ours[n]!));
}

function timesOf(rounds: Comparison['rounds'], rival: Rival, by: keyof RequestTime): number[] {
  return rounds.flatMap((times) => times[rival]?.[by] ?? []);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

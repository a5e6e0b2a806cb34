/** Uniform between the two. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Lognormal around a median, cut at both ends. */
export interface Spread {
  readonly median: number;
  readonly sigma: number;
  readonly least: number;
  readonly most: number;
}

/** How the failures of a living endpoint divide; the rest are cut off half-way. */
export interface Faults {
  readonly connect: number;
  readonly hang: number;
}

/** One kind of endpoint in a fleet. */
export interface FleetPart {
  readonly count: number;
  readonly medianMs: Spread;
  /** Sigma of one endpoint's own latencies around its median. */
  readonly noise: number;
  /** Chance that a living endpoint carries an attempt to the target and back. */
  readonly ok: Range;
  /** Attempts at once; one more is refused. */
  readonly cap: Range;
  readonly faults: Faults;
  /** Endpoints die and come back; without it they live for ever. */
  readonly life?: { readonly upMs: number; readonly downMs: number; readonly hangShare: number };
  /** The exit behind the endpoint is exchanged: latency and success are drawn again. */
  readonly exits?: { readonly everyMs: number; readonly badShare: number; readonly badOk: Range };
  readonly providers?: number;
  readonly tier?: number;
  readonly pricePerAttempt?: number;
}

/** What targets do about too many requests. Rules are dealt to targets in turn, `share` of them each. */
export interface TargetRule {
  readonly share: number;
  /** A token bucket per pair; so many refusals in a short time become a ban. */
  readonly bucket?: {
    readonly perSecond: Range;
    readonly burst: number;
    readonly strikes: number;
    readonly retryAfter: boolean;
  };
  /** Chance of a ban per second: hazard times the square of the pair's rate. `shown` is what a banned caller sees. */
  readonly ban?: { readonly hazard: number; readonly shown: 'denied' | 'captcha' };
  /** First ban's mean; each further one of the pair is twice as long, up to eight times. */
  readonly banMs?: number;
}

export type Trouble =
  | { readonly kind: 'outage'; readonly providers: number; readonly fromMs: number; readonly toMs: number }
  | {
      readonly kind: 'targets-down';
      readonly share: number;
      readonly lastsMs: Range;
      /** Share of the attempts on a dead target that are answered 5xx; the rest hang. */
      readonly errorShare: number;
    }
  | {
      readonly kind: 'degrade';
      readonly share: number;
      readonly fromMs: number;
      readonly toMs: number;
      readonly latency: number;
      readonly ok: number;
    };

/** A world as data. */
export interface WorldPlan {
  readonly name: string;
  readonly targets: number;
  /** Callers that each start the next request when the last one ended. */
  readonly slots: number;
  readonly durationMs: number;
  /** Requests arrive by themselves instead; `slots` is then the most at once. */
  readonly arrivalsPerSecond?: number;
  readonly fleet: readonly FleetPart[];
  readonly rules?: readonly TargetRule[];
  readonly troubles?: readonly Trouble[];
  /** Requests belong to this many sessions, drawn at random, each of which asks for the same exit. */
  readonly sessions?: number;
  /** Exponent of the targets' popularity. @default .8 */
  readonly zipf?: number;
}

/** What a user gives up after, in every world. */
export const USER_TIMEOUT_MS = 8_000;
export const DEADLINE_MS = 60_000;
/** A caller whose request failed pauses and then asks for the same again: failing at once is no way to easier work. */
export const FAILURE_PAUSE_MS = 1_000;

export const between = (from: number, to: number): Range => ({ from, to });
export const around = (median: number, sigma: number, least: number, most: number): Spread => ({
  median,
  sigma,
  least,
  most,
});

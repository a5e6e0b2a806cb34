import type { EtsConstants } from './defaults.js';
import { TIERS } from './table.js';
import { createHistogram, type LogHistogram } from './quantiles.js';

/** Success rates told apart: an endpoint that fails often is given up sooner. */
export const LEVELS = 10;
/** When to give up, for each level of success rate, as multiples of an endpoint's latency; and for the untried, in ms. */
export interface Patience {
  readonly cuts: Float64Array;
  untriedMs: number;
  hedgeRatio: number;
  /** Of the failures of proven endpoints: the share that hung, and what the others took over their endpoint's latency. */
  hangs: number;
  quick: number;
  /** The same of untried ones, in ms. */
  untriedHangs: number;
  untriedQuickMs: number;
  /** Successes and failures since the cuts were reckoned. */
  since: number;
}

function createPatience(): Patience {
  return {
    cuts: new Float64Array(LEVELS).fill(Number.POSITIVE_INFINITY),
    untriedMs: Number.POSITIVE_INFINITY,
    hedgeRatio: Number.POSITIVE_INFINITY,
    hangs: 0.5,
    quick: 0.5,
    untriedHangs: 0.5,
    untriedQuickMs: 500,
    since: Number.POSITIVE_INFINITY,
  };
}

/** What is known of the endpoints taken together: what an endpoint of which little is known is presumed to be like. */
export interface Fleet {
  /** First attempts of untried endpoints, decayed. */
  noveltySuccess: number;
  noveltyFailure: number;
  noveltyTouched: number;
  /** The rate read last and when: it is asked for by every candidate of a ranking. */
  noveltyRate: number;
  noveltyReadAt: number;
  /** EWMA of what a failed attempt takes. */
  failureMs: number;
  /** EWMA of what a success takes. */
  latencyMs: number;
  /** Each endpoint's first latency: in a mixed fleet the busy ones are not what an untried one will be like. */
  readonly firsts: LogHistogram;
  /** Latencies of the later ones over the endpoint's own. */
  readonly ratios: LogHistogram;
  readonly patience: Patience;
  /** Sum of the active endpoints' limits, and how many there are. */
  limits: number;
  active: number;
  /** Endpoints that are neither held nor retired. */
  present: number;
  /** The same by cost tier. */
  readonly byTier: Uint32Array;
}

export function createFleet(constants: EtsConstants): Fleet {
  return {
    noveltySuccess: 0,
    noveltyFailure: 0,
    noveltyTouched: 0,
    noveltyRate: constants.noveltyPrior,
    noveltyReadAt: Number.NEGATIVE_INFINITY,
    failureMs: constants.failurePriorMs,
    latencyMs: constants.latencyPriorMs,
    firsts: createHistogram(),
    ratios: createHistogram(),
    patience: createPatience(),
    limits: 0,
    active: 0,
    present: 0,
    byTier: new Uint32Array(TIERS),
  };
}

/** How long a rate that was read is good for: it fades over minutes. */
const NOVELTY_READ_MS = 100;

/** The success rate to presume of an untried endpoint. */
export function noveltyRate(fleet: Fleet, now: number, c: EtsConstants): number {
  if (now - fleet.noveltyReadAt > NOVELTY_READ_MS) readNovelty(fleet, now, c);
  return fleet.noveltyRate;
}

function readNovelty(fleet: Fleet, now: number, c: EtsConstants): void {
  const fade = Math.exp((fleet.noveltyTouched - now) / c.noveltyTauMs);
  const success = c.noveltyWeight * c.noveltyPrior + fleet.noveltySuccess * fade;
  const rate = success / (c.noveltyWeight + (fleet.noveltySuccess + fleet.noveltyFailure) * fade);
  fleet.noveltyRate = Math.min(c.noveltyMax, Math.max(c.noveltyMin, rate));
  fleet.noveltyReadAt = now;
}

/** An untried endpoint's first attempt ended: `blame` 0 is a success. */
export function observeNovelty(fleet: Fleet, blame: number, now: number, c: EtsConstants): void {
  const fade = Math.exp((fleet.noveltyTouched - now) / c.noveltyTauMs);
  fleet.noveltySuccess = fleet.noveltySuccess * fade + (blame === 0 ? 1 : 0);
  fleet.noveltyFailure = fleet.noveltyFailure * fade + blame;
  fleet.noveltyTouched = now;
  readNovelty(fleet, now, c);
}

import { ets } from '../kernel/choose.js';
import { fadeOver } from '../kernel/estimate.js';
import type { RankQuery } from '../kernel/query.js';
import type { KernelState } from '../kernel/state.js';
import type { Strategy } from '../kernel/strategy.js';
import { TIERS } from '../kernel/table.js';

export interface TierOptions {
  /** Who ranks within a tier. @default ets() */
  readonly within?: Strategy;
  /** Price of one attempt by tier, in any unit. @default 5 times the tier below */
  readonly prices?: readonly number[];
}

/** Price of one tier over that of the one below, where nobody says: datacenter to residential to mobile. */
const PRICE_STEP = 5;
const TAU_MS = 300_000;
/** What is presumed of a tier on a target: this rate, with the weight of so many attempts. */
const PRIOR_RATE = 0.5;
const PRIOR_WEIGHT = 2;
/** One first attempt in so many tests the tier below the one that requests start in. */
const TEST_SHARE = 0.03;

/** What each tier did on one target. */
interface TierRecord {
  readonly uid: number;
  readonly success: Float64Array;
  readonly failure: Float64Array;
  touched: number;
}

/**
 * Cost tiers: a request starts in the tier with the least expected price of a success, escalations included, as learned
 * for its target; only the request that failed goes up a tier, and few first attempts test whether a cheaper tier works again.
 */
export function tiers(options: TierOptions = {}): Strategy {
  const within = options.within ?? ets();
  const priceOf = (tier: number): number => options.prices?.[tier] ?? PRICE_STEP ** tier;
  const records: (TierRecord | undefined)[] = [];
  return {
    ...within,
    name: `tiers(${within.name})`,
    rank(state, query, out) {
      if (countTiers(state) < 2) return within.rank(state, query, out);
      const record = recordOf(records, state, query.target);
      const start = startTier(state, query, record, priceOf);
      return rankFrom(state, query, out, within, start);
    },
    settled(state, row, target, fact, now) {
      within.settled?.(state, row, target, fact, now);
      // A target that is broken is so for every tier: no price mends it.
      if (fact.health === 'none' || fact.answer === 'broken') return;
      const record = recordOf(records, state, target);
      const tier = state.table.tier[row]!;
      fadeRecord(record, now);
      const column = fact.answer === 'served' ? record.success : record.failure;
      column[tier] = column[tier]! + 1;
    },
  };
}

/** The tier the attempt goes to: one above the dearest that failed this request, or where a success is cheapest. */
function startTier(
  state: KernelState,
  query: RankQuery,
  record: TierRecord,
  priceOf: (tier: number) => number,
): number {
  const { byTier } = state.fleet;
  const top = byTier.findLastIndex((rows) => rows > 0);
  if (query.failures > 0) return tierAbove(state, query, top);
  const cheapest = cheapestStart(byTier, record, query.now, priceOf);
  if (!query.first || query.random() >= TEST_SHARE) return cheapest;
  const below = byTier.findLastIndex((rows, tier) => rows > 0 && tier < cheapest);
  return below < 0 ? cheapest : below;
}

function tierAbove({ table, fleet }: KernelState, { tried, triedCount, unwanted }: RankQuery, top: number): number {
  let dearest = 0;
  for (let index = 0; index < triedCount - unwanted; index += 1)
    dearest = Math.max(dearest, table.tier[tried[index]!]!);
  const above = fleet.byTier.findIndex((rows, tier) => rows > 0 && tier > dearest);
  return above < 0 ? top : above;
}

/** From the top down: a start costs its price, and with the chance of failure what starting one tier up would cost. */
export function cheapestStart(
  byTier: ArrayLike<number>,
  record: { readonly success: Float64Array; readonly failure: Float64Array; readonly touched: number },
  now: number,
  priceOf: (tier: number) => number,
): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  let above = Number.NaN;
  for (let tier = byTier.length - 1; tier >= 0; tier -= 1) {
    if (byTier[tier] === 0) continue;
    const rate = rateOf(record, tier, now);
    above = Number.isNaN(above) ? priceOf(tier) / rate : priceOf(tier) + (1 - rate) * above;
    if (above > least) continue;
    least = above;
    best = tier;
  }
  return best;
}

/** The tier itself, then dearer ones, then cheaper ones: nobody waits for a price while something would carry it. */
function rankFrom(state: KernelState, query: RankQuery, out: Int32Array, within: Strategy, start: number): number {
  const allowed = query.tiers;
  let count = 0;
  for (let step = 0; step < TIERS && count === 0; step += 1) {
    const tier = start + step < TIERS ? start + step : TIERS - 1 - step;
    query.tiers = allowed & (1 << tier);
    if (query.tiers !== 0 && state.fleet.byTier[tier]! > 0) count = within.rank(state, query, out);
  }
  query.tiers = allowed;
  return count;
}

function rateOf({ success, failure, touched }: Omit<TierRecord, 'uid'>, tier: number, now: number): number {
  const fade = fadeOver(now - touched, TAU_MS);
  const known = (success[tier]! + failure[tier]!) * fade;
  return (PRIOR_RATE * PRIOR_WEIGHT + success[tier]! * fade) / (PRIOR_WEIGHT + known);
}

function fadeRecord(record: TierRecord, now: number): void {
  const fade = fadeOver(now - record.touched, TAU_MS);
  for (let tier = 0; tier < TIERS; tier += 1) {
    record.success[tier] = record.success[tier]! * fade;
    record.failure[tier] = record.failure[tier]! * fade;
  }
  record.touched = now;
}

/** The target's record; one left by a target that had the index before is not taken for it. */
function recordOf(records: (TierRecord | undefined)[], { targets }: KernelState, target: number): TierRecord {
  const { uid } = targets.states[target]!;
  const known = records[target];
  if (known?.uid === uid) return known;
  return (records[target] = { uid, success: new Float64Array(TIERS), failure: new Float64Array(TIERS), touched: 0 });
}

function countTiers({ fleet }: KernelState): number {
  let count = 0;
  for (const rows of fleet.byTier) if (rows > 0) count += 1;
  return count;
}

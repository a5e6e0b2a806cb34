import type { EtsConstants } from '@fairlead/core';
import { play as playMatch } from './engine.js';
import { Oracle } from './oracle.js';
import { ORACLES, OURS, poolOptions, type SimPreset } from './ours.js';
import { makeRival } from './policies.js';
import { PoolMatch } from './pool-match.js';
import { seededRandom } from './random.js';
import { gated } from './rivals/gate.js';
import { estimate, geometricMean, type Estimate } from './statistics.js';
import type { Tally } from './tally.js';
import type { WorldPlan } from './worlds/plan.js';
import { World } from './worlds/world.js';

/** One policy in one scenario, over all seeds. */
export interface ScenarioResult {
  readonly scenario: string;
  readonly ratio: Estimate;
  /** By seed, for the interval of the geometric mean. */
  readonly ratios: readonly number[];
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly attemptsPerSuccess: number;
  readonly rejectionsPer100: number;
  /** Requests per seed that ended without what was asked for. */
  readonly failed: number;
  /** Seconds from the begin of an outage to nine tenths of what remained possible. */
  readonly recoverySeconds: number | undefined;
}

export interface PolicyResult {
  readonly policy: string;
  readonly geomean: Estimate;
  readonly scenarios: readonly ScenarioResult[];
}

/** Arrival-bound: every policy carries the same number, so that goodput says nothing. */
const UNSCORED = 'resi-open';

/** What one run is judged by, as plain data: it may have been played in another thread. */
export interface Measured {
  readonly successes: number;
  readonly attempts: number;
  readonly rejections: number;
  readonly failed: number;
  /** p50, p95 and p99 of the time to a success. */
  readonly quantiles: readonly number[];
  readonly perSecond: Uint32Array;
}

/** Plays one run, here or elsewhere. */
export type Measure = (plan: WorldPlan, policy: string, seed: number, preset: SimPreset) => Promise<Measured>;

export const measure = async (
  plan: WorldPlan,
  policy: string,
  seed: number,
  preset: SimPreset,
  constants?: Partial<EtsConstants>,
): Promise<Measured> => {
  const tally = await run(plan, policy, seed, preset, constants);
  const { successes, attempts, rejections, failed, perSecond } = tally;
  return { successes, attempts, rejections, failed, perSecond, quantiles: tally.quantiles(0.5, 0.95, 0.99) };
};

/** The same, playing every run once: the oracle's is what every policy is held against. */
export function remembering(inner: Measure): Measure {
  const known = new Map<string, Promise<Measured>>();
  return (plan, policy, seed, preset) => {
    const key = `${plan.name} ${policy} ${seed} ${preset}`;
    const result = known.get(key) ?? inner(plan, policy, seed, preset);
    known.set(key, result);
    return result;
  };
}

export async function run(
  plan: WorldPlan,
  policy: string,
  seed: number,
  preset: SimPreset,
  constants: Partial<EtsConstants> = {},
): Promise<Tally> {
  const world = new World(plan, seed);
  if (policy === OURS) return new PoolMatch(world, seed, { ...poolOptions(preset), constants }).play();
  const random = seededRandom(seed ^ 0x1b873593);
  const player = ORACLES.includes(policy) ? new Oracle(world, policy !== 'oracle') : makeRival(policy, world, random);
  if (player === undefined) throw new Error(`unknown policy: ${policy}`);
  return playMatch(world, preset === 'respectful' ? gated(player, plan.targets, policy) : player, seed);
}

export async function judge(
  plan: WorldPlan,
  policy: string,
  seeds: readonly number[],
  preset: SimPreset,
  play: Measure = measure,
): Promise<ScenarioResult> {
  const own = seeds.map((seed) => play(plan, policy, seed, preset));
  const bounds = seeds.map((seed) => play(plan, 'oracle', seed, preset));
  const runs = await Promise.all(own);
  const oracles = await Promise.all(bounds);
  const ratios = runs.map((one, index) => one.successes / oracles[index]!.successes);
  const mean = (pick: (one: Measured) => number): number => estimate(runs.map((one) => pick(one))).mean;
  const quantile = (index: number): number => mean(({ quantiles }) => quantiles[index]!);
  const successes = mean((one) => one.successes);
  return {
    scenario: plan.name,
    ratio: estimate(ratios),
    ratios,
    p50: quantile(0),
    p95: quantile(1),
    p99: quantile(2),
    attemptsPerSuccess: mean(({ attempts }) => attempts) / successes,
    rejectionsPer100: (mean(({ rejections }) => rejections) / successes) * 100,
    failed: mean(({ failed }) => failed),
    recoverySeconds: recovery(plan, runs, oracles),
  };
}

export function summarize(policy: string, scenarios: readonly ScenarioResult[]): PolicyResult {
  const all = scenarios.filter(({ scenario }) => scenario !== UNSCORED);
  const scored = all.length === 0 ? scenarios : all;
  const seeds = scored[0]?.ratios.length ?? 0;
  const logs = Array.from({ length: seeds }, (_, index) =>
    Math.log(geometricMean(scored.map(({ ratios }) => ratios[index]!))),
  );
  const { mean, ci } = estimate(logs);
  return { policy, geomean: { mean: Math.exp(mean), ci: Math.exp(mean) * ci }, scenarios };
}

const WINDOW_S = 5;
const STEADY_S = 60;

/**
 * The worst seed's seconds until a five-second window carries nine tenths of what the policy carried before, scaled by
 * what the outage left to the oracle.
 */
function recovery(plan: WorldPlan, runs: readonly Measured[], oracles: readonly Measured[]): number | undefined {
  const outage = plan.troubles?.find((trouble) => trouble.kind === 'outage');
  if (outage === undefined) return undefined;
  const from = outage.fromMs / 1_000;
  const to = outage.toMs / 1_000;
  return Math.max(
    ...runs.map((one, index) => {
      const oracle = oracles[index]!;
      const left = between(oracle, from + STEADY_S, to) / (to - from - STEADY_S);
      const before = between(oracle, from - STEADY_S, from) / STEADY_S;
      const enough = 0.9 * (between(one, from - STEADY_S, from) / STEADY_S) * Math.min(1, left / before) * WINDOW_S;
      for (let at = from; at + WINDOW_S <= to; at += 1) if (between(one, at, at + WINDOW_S) >= enough) return at - from;
      return to - from;
    }),
  );
}

/** Successes from second `from` to second `to`, the latter left out. */
function between({ perSecond }: Measured, from: number, to: number): number {
  return perSecond.subarray(from, to).reduce((sum, one) => sum + one, 0);
}

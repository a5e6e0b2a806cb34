import { play } from './engine.js';
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

/** The oracle's tallies, which every policy is held against; computed once for each world and rule. */
const bounds = new Map<string, Tally>();

async function bound(plan: WorldPlan, seed: number, preset: SimPreset): Promise<Tally> {
  const key = `${plan.name} ${seed} ${preset}`;
  let tally = bounds.get(key);
  if (tally === undefined) bounds.set(key, (tally = await run(plan, 'oracle', seed, preset)));
  return tally;
}

export async function run(plan: WorldPlan, policy: string, seed: number, preset: SimPreset): Promise<Tally> {
  const world = new World(plan, seed);
  if (policy === OURS) return new PoolMatch(world, seed, poolOptions(preset)).play();
  const random = seededRandom(seed ^ 0x1b873593);
  const player = ORACLES.includes(policy) ? new Oracle(world, policy !== 'oracle') : makeRival(policy, world, random);
  if (player === undefined) throw new Error(`unknown policy: ${policy}`);
  return play(world, preset === 'respectful' ? gated(player, plan.targets, policy) : player, seed);
}

export async function judge(
  plan: WorldPlan,
  policy: string,
  seeds: readonly number[],
  preset: SimPreset,
): Promise<ScenarioResult> {
  const tallies: Tally[] = [];
  const oracles: Tally[] = [];
  for (const seed of seeds) {
    tallies.push(await run(plan, policy, seed, preset));
    oracles.push(await bound(plan, seed, preset));
  }
  const ratios = tallies.map((tally, index) => tally.successes / oracles[index]!.successes);
  const quantiles = tallies.map((tally) => tally.quantiles(0.5, 0.95, 0.99));
  const mean = (pick: (tally: Tally) => number): number => estimate(tallies.map((tally) => pick(tally))).mean;
  const quantile = (index: number): number => estimate(quantiles.map((one) => one[index]!)).mean;
  const successes = mean((tally) => tally.successes);
  return {
    scenario: plan.name,
    ratio: estimate(ratios),
    ratios,
    p50: quantile(0),
    p95: quantile(1),
    p99: quantile(2),
    attemptsPerSuccess: mean((tally) => tally.attempts) / successes,
    rejectionsPer100: (mean((tally) => tally.rejections) / successes) * 100,
    failed: mean((tally) => tally.failed),
    recoverySeconds: recovery(plan, tallies, oracles),
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
function recovery(plan: WorldPlan, tallies: readonly Tally[], oracles: readonly Tally[]): number | undefined {
  const outage = plan.troubles?.find((trouble) => trouble.kind === 'outage');
  if (outage === undefined) return undefined;
  const from = outage.fromMs / 1_000;
  const to = outage.toMs / 1_000;
  return Math.max(
    ...tallies.map((tally, index) => {
      const oracle = oracles[index]!;
      const left = oracle.between(from + STEADY_S, to) / (to - from - STEADY_S);
      const before = oracle.between(from - STEADY_S, from) / STEADY_S;
      const enough = 0.9 * (tally.between(from - STEADY_S, from) / STEADY_S) * Math.min(1, left / before) * WINDOW_S;
      for (let at = from; at + WINDOW_S <= to; at += 1)
        if (tally.between(at, at + WINDOW_S) >= enough) return at - from;
      return to - from;
    }),
  );
}

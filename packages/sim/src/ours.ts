import type { PoolOptions } from '@fairlead/core';

/** The name the real pool goes by among the policies. */
export const OURS = 'ets';

/** Those that see the world; the second sees a target's rule only once it was refused there. */
export const ORACLES: readonly string[] = ['oracle', 'learning-oracle'];

/** The rule that policy and oracle both obey. */
export const SIM_PRESETS = ['rotate', 'respectful'] as const;
export type SimPreset = (typeof SIM_PRESETS)[number];

/** The pool as it is judged: the preset, with retries and waits bounded by the deadline alone, as every rival's are here. */
export function poolOptions(preset: SimPreset): PoolOptions {
  const retry = { maxAttempts: Number.POSITIVE_INFINITY, budget: 1 };
  return { policy: { preset, retry, maxWaitMs: Number.POSITIVE_INFINITY, hedge: { perAttempt: 0.1 } } };
}

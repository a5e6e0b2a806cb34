/**
 * Internal: the kernel for the benchmark, the simulator and authors of strategies. It may change in any release.
 */
export { createKernel, type Kernel, type KernelOptions } from './kernel.js';
export { createCandidates, createQuery, isCandidate, MOST_CANDIDATES } from './query.js';
export type { Candidates, Eligibility, RankQuery } from './query.js';
export { ETS_DEFAULTS, type EtsConstants } from './defaults.js';
export { ets } from './choose.js';
export { Standing, type Row, type RowSpec } from './table.js';
export type { CooldownRule } from './cooldown.js';
export type { EffectKind, OnEffect } from './effects.js';
export type { Fact } from './fact.js';
export type { KernelState, PaceView } from './state.js';
export type { Strategy } from './strategy.js';

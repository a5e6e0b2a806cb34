import type { EtsConstants } from '@fairlead/core';
import { parentPort } from 'node:worker_threads';
import { measure, type Measured } from './experiment.js';
import type { SimPreset } from './ours.js';
import { EXTRA_SCENARIOS, SCENARIOS } from './worlds/catalog.js';

/** One run to play. */
export interface Job {
  readonly scenario: string;
  readonly policy: string;
  readonly seed: number;
  readonly preset: SimPreset;
  readonly constants: Partial<EtsConstants>;
}

export type JobResult = Measured;

parentPort?.on('message', async ({ scenario, policy, seed, preset, constants }: Job) => {
  const plan = [...SCENARIOS, ...EXTRA_SCENARIOS].find(({ name }) => name === scenario)!;
  parentPort!.postMessage(await measure(plan, policy, seed, preset, constants));
});

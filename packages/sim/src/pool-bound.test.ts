import { expect, test } from 'vitest';
import { run } from './experiment.js';
import { OURS, type SimPreset } from './ours.js';
import { SCENARIOS } from './worlds/catalog.js';

const PATIENT_MS = 60_000;
const SEEDS = [1, 2];

/**
 * What the pool carries of the oracle's goodput at least, learning included, in so many seconds: halving its score breaks
 * most of them. Bans pay at first, so that world needs its whole length.
 */
const WORLDS: readonly (readonly [name: string, preset: SimPreset, seconds: number, floor: number])[] = [
  ['free-large', 'rotate', 80, 0.3],
  ['free-churn', 'rotate', 80, 0.35],
  ['resi-caps', 'rotate', 40, 0.75],
  ['dc-bans', 'rotate', 500, 0.6],
  ['dc-429', 'rotate', 40, 0.8],
  ['target-down', 'rotate', 40, 0.5],
  ['outage', 'rotate', 40, 0.75],
  ['degrade', 'rotate', 40, 0.8],
  ['tiny', 'rotate', 40, 0.7],
  ['mixed', 'rotate', 40, 0.5],
  ['dc-bans', 'respectful', 500, 0.4],
  ['dc-429', 'respectful', 500, 0.4],
];

test.each(WORLDS)(
  '%s under %s: %i s of it between %d of the oracle and the oracle',
  { timeout: PATIENT_MS },
  async (name, preset, seconds, floor) => {
    const plan = { ...SCENARIOS.find((one) => one.name === name)!, durationMs: seconds * 1_000 };
    for (const seed of SEEDS) {
      const own = await run(plan, OURS, seed, preset);
      const ratio = own.successes / (await run(plan, 'oracle', seed, preset)).successes;
      expect(ratio).toBeLessThan(1.03);
      expect(ratio).toBeGreaterThan(floor);
    }
  },
);

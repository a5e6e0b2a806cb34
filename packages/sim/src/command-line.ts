import type { EtsConstants } from '@fairlead/core';
import { parseArgs } from 'node:util';
import { ORACLES, OURS, SIM_PRESETS, type SimPreset } from './ours.js';
import { RIVALS } from './policies.js';
import { EXTRA_SCENARIOS, SCENARIOS } from './worlds/catalog.js';
import type { WorldPlan } from './worlds/plan.js';

export interface Order {
  readonly policies: readonly string[];
  readonly scenarios: readonly WorldPlan[];
  readonly seeds: readonly number[];
  readonly preset: SimPreset;
  readonly json: boolean;
  /** Constants of the scheduler that differ from its own: what is one of its parts worth? */
  readonly constants: Partial<EtsConstants>;
}

export const USAGE = `npm run -s sim -- [--policy NAME|all] [--preset rotate|respectful] [--seeds 9001-9016] [--scenario NAME] [--constants JSON] [--json]
policies: ets, ${ORACLES.join(', ')}, ${RIVALS.join(', ')}
scenarios: ${[...SCENARIOS, ...EXTRA_SCENARIOS].map(({ name }) => name).join(', ')}
`;

/** Reads the arguments; whatever it cannot mean throws with the word in it. */
export function readOrder(args: readonly string[]): Order {
  const { values } = parseArgs({
    args: [...args],
    options: {
      policy: { type: 'string', default: OURS },
      preset: { type: 'string', default: 'rotate' },
      seeds: { type: 'string', default: '1-4' },
      scenario: { type: 'string' },
      json: { type: 'boolean', default: false },
      constants: { type: 'string', default: '{}' },
    },
  });
  return {
    policies: readPolicies(values.policy),
    scenarios: readScenarios(values.scenario),
    seeds: readSeeds(values.seeds),
    preset: known(values.preset, SIM_PRESETS, 'preset'),
    json: values.json,
    constants: JSON.parse(values.constants) as Partial<EtsConstants>,
  };
}

function readPolicies(text: string): readonly string[] {
  if (text === 'all') return [OURS, ...RIVALS];
  return text.split(',').map((name) => known(name, [OURS, ...ORACLES, ...RIVALS], 'policy'));
}

function readScenarios(text: string | undefined): readonly WorldPlan[] {
  if (text === undefined) return SCENARIOS;
  const all = [...SCENARIOS, ...EXTRA_SCENARIOS];
  const names = all.map(({ name }) => name);
  return text.split(',').map((word) => all[names.indexOf(known(word, names, 'scenario'))]!);
}

function readSeeds(text: string): readonly number[] {
  return text.split(',').flatMap((part) => {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (from === undefined) throw new Error(`not seeds: ${part}`);
    const last = Number(to ?? from);
    if (last < Number(from)) throw new Error(`seeds run upwards: ${part}`);
    return Array.from({ length: last - Number(from) + 1 }, (_, index) => Number(from) + index);
  });
}

function known<T extends string>(word: string, words: readonly T[], what: string): T {
  const found = words.find((one) => one === word);
  if (found === undefined) throw new Error(`unknown ${what}: ${word}; known are ${words.join(', ')}`);
  return found;
}

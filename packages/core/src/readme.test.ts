import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { POLICY_KEYS } from './policy/policy-options.js';
import { OPTION_KEYS, POOL_DEFAULTS } from './pool/options.js';
import { PRESET_NAMES } from './policy/presets.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** First cells of the table under a heading that show code. */
function names(heading: string): string[] {
  const section = readme.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `(\w+)`\s+\|/gm)].map(([, name]) => name!);
}

test('the manual has every option of a pool, and no other', () => {
  expect(names('Options')).toEqual(OPTION_KEYS);
});

test('the manual has every option of a policy and every preset, and no other', () => {
  expect(names('Policy')).toEqual([...POLICY_KEYS, ...PRESET_NAMES]);
});

test('the manual names the defaults as they are', () => {
  for (const [name, value] of Object.entries(POOL_DEFAULTS)) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}\``));
    expect(row?.replaceAll('_', ''), name).toContain(`\`${typeof value === 'string' ? `'${value}'` : value}\``);
  }
});

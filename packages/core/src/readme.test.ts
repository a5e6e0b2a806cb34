import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFAULT_KEYS, ENDPOINT_DEFAULTS, PROXY_KEYS } from './endpoint.js';
import { POLICY_KEYS } from './policy/policy-options.js';
import { PRESET_NAMES, PRESETS, type Policy } from './policy/presets.js';
import { compileTargetPattern } from './policy/target-rules.js';
import { OPTION_KEYS, POOL_DEFAULTS } from './pool/options.js';
import { REQUEST_KEYS } from './pool/request.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** Rows of the tables under a heading, as cells without their padding. */
function rows(heading: string): string[][] {
  const section = readme.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  return lines.map((line) => line.split(' | ').map((cell) => cell.replace(/^\|/, '').replace(/\|$/, '').trim()));
}

/** First cells that show code. */
function names(heading: string): string[] {
  return rows(heading).flatMap(([first = '']) => /^`([\w-]+)`$/.exec(first)?.[1] ?? []);
}

test('the manual has every option of a pool, of a proxy, of a request and of a policy, and no other', () => {
  expect(names('Options')).toEqual(OPTION_KEYS);
  expect(names('Proxies')).toEqual(PROXY_KEYS);
  expect(PROXY_KEYS).toEqual(expect.arrayContaining([...DEFAULT_KEYS]));
  expect(names('Requests')).toEqual(REQUEST_KEYS);
  expect(names('Policy')).toEqual(POLICY_KEYS);
});

test('the manual names the defaults as they are', () => {
  const defaults = (heading: string) => new Map(rows(heading).map((cells) => [cells[0], cells.at(-1)]));
  const shown = (value: unknown) => (typeof value === 'number' ? `\`${grouped(value)}\`` : `\`${quoted(value)}\``);
  for (const [name, value] of Object.entries(POOL_DEFAULTS)) {
    expect(defaults('Options').get(`\`${name}\``), name).toBe(shown(value));
  }
  for (const [name, value] of Object.entries(ENDPOINT_DEFAULTS)) {
    expect(defaults('Proxies').get(`\`${name}\``), name).toBe(shown(value));
  }
  for (const name of [
    'evictAfter',
    'abandon',
    'unreported',
    'attemptTimeoutMs',
    'bodyDeadlineMs',
    'maxWaitMs',
    'minIntervalMs',
  ] as const) {
    expect(defaults('Policy').get(`\`${name}\``), name).toBe(shown(PRESETS.respectful[name]));
  }
});

const NUMBERS: Readonly<Record<string, (policy: Policy) => string>> = {
  'attempts that may have been sent': ({ retry }) => grouped(retry.maxAttempts),
  'replays, of successes': ({ retry }) => `${retry.budget * 100} %`,
  'paths at once': ({ race }) => (race.paths === 1 ? '1' : `up to ${race.paths}`),
  'an attempt': ({ attemptTimeoutMs }) => seconds(attemptTimeoutMs),
  'a wait': ({ maxWaitMs }) => seconds(maxWaitMs),
  'between uses of a pair': ({ minIntervalMs }) => (minIntervalMs === 0 ? 'as learned' : seconds(minIntervalMs)),
  'an endpoint rests after': ({ cooldown }) =>
    cooldown === 'surprise' ? 'improbable failures' : `${cooldown.failures} in a row`,
  'for so long': ({ cooldown }) => {
    if (cooldown === 'surprise') return 'as learned';
    const { baseMs, maxMs } = cooldown;
    return baseMs === maxMs ? seconds(baseMs) : `${seconds(baseMs)}, up to ${seconds(maxMs)}`;
  },
  'is put away after': ({ evictAfter }) => (evictAfter === 0 ? 'never' : `${evictAfter} failures and no success`),
  'gives slow attempts up': ({ abandon }) => (abandon ? 'yes' : 'no'),
  'keeps an exit': ({ session: { always, per, keep, ttlMs } }) =>
    always ? `for each ${per}, ${keep === 'ttl' ? seconds(ttlMs) : keep}` : 'for sessions that ask',
  'a lease nobody settles': ({ unreported }) => (unreported === 'failure' ? 'is a failure' : 'blames nobody'),
};

test('the manual shows the presets side by side as they are', () => {
  const table = [['', ...PRESET_NAMES.map((name) => `\`${name}\``)]];
  for (const [what, read] of Object.entries(NUMBERS)) {
    table.push([what, ...PRESET_NAMES.map((name) => read(PRESETS[name]))]);
  }
  // Printed in whole, so that it can be put into the manual as it stands.
  const wanted = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const found = rows('Presets')
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
  for (const line of wanted.split('\n')) expect(found, wanted).toContain(line);
});

test("the manual's first lines are those of the example that runs", () => {
  const lines = new URL('../../../examples/core-run/src/ten-lines.ts', import.meta.url);
  // A copy of core alone, as the planted faults work on, has no examples beside it.
  if (!existsSync(lines)) return;
  expect(/```ts\n(.*?)```/s.exec(readme)?.[1]).toBe(readFileSync(lines, 'utf8'));
});

test('the manual has every event with what it carries, and no other', () => {
  const body = /export interface PoolEvents \{\n(.*?)\n\}/s.exec(source('pool/events.ts'))?.[1] ?? '';
  const declared = body.replaceAll(/\/\*\*.*?\*\//gs, '').matchAll(/^ {2}'?([\w-]+)'?: (\{\n.*?^ {2}\}|.*?);$/gms);
  const events = [...declared].map(([, name, type = '']) => {
    const fields =
      type === 'StoreReport' ? ['state', 'why'] : [...type.matchAll(/readonly (\w+):/g)].map(([, key]) => key);
    return [`\`${name}\``, fields.map((key) => `\`${key}\``).join(', ')];
  });
  expect(events.length).toBeGreaterThan(20);
  expect(new Map(told('Events'))).toEqual(new Map(events as [string, string][]));
});

test('the manual has every code of an error, and no other', () => {
  const union = /FairleadErrorCode =\n(.*?);/s.exec(source('errors.ts'))?.[1] ?? '';
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  expect(codes).toContain('POOL_EXHAUSTED');
  expect(names('Errors').toSorted()).toEqual(codes.toSorted());
});

test('each form of a target pattern in the manual matches what it says, and not what it says it does not', () => {
  const code = (cell = ''): string => /^`(.+)`$/.exec(cell)?.[1] ?? '';
  const forms = rows('Target patterns')
    .map(([form, is, not]) => [code(form), code(is), code(not)] as const)
    .filter(([form]) => form !== '');
  expect(forms.length).toBeGreaterThan(5);
  for (const [form, is, not] of forms) {
    const own = /^\/(.*)\/$/.exec(form)?.[1];
    const matches = compileTargetPattern(own === undefined ? form : new RegExp(own), 'match');
    expect(matches(new URL(is)), form).toBe(true);
    if (not !== '') expect(matches(new URL(not)), form).toBe(false);
  }
});

/** First two cells of each row below the head. */
function told(heading: string): [string, string][] {
  return rows(heading)
    .filter(([first = '']) => first.startsWith('`'))
    .map(([first = '', second = '']) => [first, second]);
}

function source(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

function grouped(value: number): string {
  return Number.isFinite(value) && value >= 10_000 ? String(value).replace(/\B(?=(\d{3})+$)/g, '_') : String(value);
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${ms / 1000} s` : 'the deadline';
}

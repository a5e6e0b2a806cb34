import { expect, test } from 'vitest';
import { readOrder } from './command-line.js';
import { judge, summarize } from './experiment.js';
import { policyJson } from './table.js';
import { SCENARIOS } from './worlds/catalog.js';
import { tiny } from './worlds/small.js';

test('without arguments: the pool, under rotate, in every scored world', () => {
  const order = readOrder([]);
  expect(order.policies).toEqual(['ets']);
  expect(order.preset).toBe('rotate');
  expect(order.scenarios).toEqual(SCENARIOS);
});

test('seeds are ranges and lists', () => {
  expect(readOrder(['--seeds', '9001-9003,7']).seeds).toEqual([9001, 9002, 9003, 7]);
  expect(() => readOrder(['--seeds', 'many'])).toThrow('many');
  expect(() => readOrder(['--seeds', '9-3'])).toThrow('9-3');
});

test('what is unknown is named', () => {
  expect(() => readOrder(['--scenario', 'moon'])).toThrow('moon');
  expect(() => readOrder(['--policy', 'luck'])).toThrow('luck');
});

test('the JSON line has the promised keys and no others', async () => {
  const result = summarize('uniform', [await judge({ ...tiny, durationMs: 30_000 }, 'uniform', [1, 2], 'rotate')]);
  const json = JSON.parse(JSON.stringify(policyJson(result))) as Record<string, Record<string, object>>;
  expect(Object.keys(json)).toEqual(['geomean', 'ci', 'scenarios']);
  const keys = ['ratio', 'ci', 'p95', 'attemptsPerSuccess', 'rejectionsPer100', 'failed'];
  expect(Object.keys(json['scenarios']!['tiny']!)).toEqual(keys);
});

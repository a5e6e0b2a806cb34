import { expect, test } from 'vitest';
import type { RankQuery } from '../kernel/strategy.js';
import { addRow, createTable, retireRow, type Table } from '../kernel/table.js';
import { roundRobin } from './round-robin.js';

const open: RankQuery = { excluded: () => false, now: 0, random: () => 0.5 };

function picks(table: Table, count: number, query = open): number[] {
  const strategy = roundRobin();
  const out = new Int32Array(8);
  return Array.from({ length: count }, () => (strategy.rank(table, query, out) === 0 ? -1 : out[0]!));
}

function tableOf(...weights: number[]): Table {
  const table = createTable();
  for (const weight of weights) addRow(table, { weight, tier: 0 });
  return table;
}

test('weights 5:1:1 are served smoothly: a a b a c a a', () => {
  expect(picks(tableOf(5, 1, 1), 7)).toEqual([0, 0, 1, 0, 2, 0, 0]);
});

test('equal weights go round in order', () => {
  expect(picks(tableOf(1, 1, 1), 6)).toEqual([0, 1, 2, 0, 1, 2]);
});

test('a weight of a billion beside 1 still serves both', () => {
  expect(new Set(picks(tableOf(1e9, 1), 10)).has(0)).toBe(true);
});

test('a retired row and an excluded row are never picked', () => {
  const table = tableOf(1, 1, 1);
  retireRow(table, 0);
  expect(new Set(picks(table, 9, { ...open, excluded: (row) => row === 1 }))).toEqual(new Set([2]));
});

test('an empty table yields nothing', () => {
  expect(picks(createTable(), 1)).toEqual([-1]);
});

test('more endpoints than the first capacity are all served', () => {
  expect(new Set(picks(tableOf(...Array.from({ length: 200 }, () => 1)), 200)).size).toBe(200);
});

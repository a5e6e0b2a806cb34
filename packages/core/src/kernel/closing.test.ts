import { expect, test } from 'vitest';
import type { Fact } from './fact.js';
import { createKernel } from './kernel.js';
import { createCandidates, createQuery } from './query.js';

const SERVED: Fact = { health: 'good', answer: 'served', block: false, connect: false, elapsedMs: 400, first: true };
const SPEC = { weight: 1, tier: 0, maxInFlight: 1, tags: 0 };
const ROWS = 500;
const OPENS_AT = 5_000;

/** A paced target that every row but the last has just used; the last one is out. */
function closedTarget() {
  let looks = 0;
  const opensAt = new Map<number, number>();
  const open = { add: (row: number, at = 0) => opensAt.set(row, at) };
  const pace = (row: number): number => {
    looks += 1;
    return opensAt.get(row) ?? OPENS_AT;
  };
  const kernel = createKernel({ pace, capacity: ROWS });
  const warm = kernel.internTarget('warm.example');
  for (let row = 0; row < ROWS; row += 1) {
    kernel.addRow(SPEC, 0);
    kernel.onAdmit(row, warm, 0);
    if (row < ROWS - 1) kernel.onSettle(row, warm, SERVED, 0, () => 0.5);
  }
  const query = createQuery(() => 0.5);
  query.target = kernel.internTarget('paced.example');
  kernel.setConfiguredPace(query.target, 1_000);
  const candidates = createCandidates();
  const ask = (now: number): number => {
    looks = 0;
    query.now = now;
    return kernel.rank(query, candidates);
  };
  const giveBack = (now: number): void => kernel.onSettle(ROWS - 1, warm, SERVED, now, () => 0.5);
  return { kernel, query, candidates, open, ask, giveBack, looks: () => looks };
}

test('a target that nobody can serve is not gone through again for the next of its callers', () => {
  const { ask, looks, kernel, query } = closedTarget();
  expect(ask(10)).toBe(0);
  expect(looks()).toBeGreaterThanOrEqual(ROWS - 1);
  expect(ask(11)).toBe(0);
  expect(looks()).toBe(0);
  expect(kernel.waitUntil(query)).toBe(OPENS_AT);
});

test('a row that came back is asked about alone, and serves when the target lets it', () => {
  const { ask, giveBack, looks, open, candidates, kernel, query } = closedTarget();
  ask(10);
  open.add(ROWS - 1, 60);
  giveBack(20);
  expect(ask(21)).toBe(0);
  expect(looks()).toBeLessThanOrEqual(2);
  expect(kernel.waitUntil(query)).toBe(60);
  expect(ask(22)).toBe(0);
  expect(looks()).toBe(0);
  expect(ask(60)).toBe(1);
  expect(candidates.rows[0]).toBe(ROWS - 1);
});

test('what one caller has tried says nothing for the next', () => {
  const { ask, giveBack, open, query, candidates } = closedTarget();
  ask(10);
  open.add(ROWS - 1);
  giveBack(20);
  query.tried[0] = ROWS - 1;
  query.triedCount = 1;
  expect(ask(21)).toBe(0);
  query.triedCount = 0;
  expect(ask(22)).toBe(1);
  expect(candidates.rows[0]).toBe(ROWS - 1);
});

test('an instant that was named opens the target', () => {
  const { ask, open } = closedTarget();
  ask(10);
  for (let row = 0; row < ROWS; row += 1) open.add(row);
  expect(ask(OPENS_AT)).toBeGreaterThan(0);
});

test('another pace is another answer', () => {
  const { ask, open, kernel, query } = closedTarget();
  ask(10);
  for (let row = 0; row < ROWS; row += 1) open.add(row);
  kernel.setConfiguredPace(query.target, 0);
  expect(ask(11)).toBeGreaterThan(0);
});

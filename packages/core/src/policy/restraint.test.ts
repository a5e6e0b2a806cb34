import { expect, test } from 'vitest';
import { PRESETS } from './presets.js';
import { createRestraint, deniedFor, forgiven, throttledFor } from './restraint.js';

const policy = PRESETS.respectful.suspend;

test('a 429 without a time suspends for a minute, doubling up to a quarter of an hour', () => {
  const memory = createRestraint();
  const spans = Array.from({ length: 6 }, () => throttledFor(memory, undefined, policy) / 60_000);
  expect(spans).toEqual([1, 2, 4, 8, 15, 15]);
});

test('the time that the target asks for wins', () => {
  expect(throttledFor(createRestraint(), 5000, policy)).toBe(5000);
});

test('the third 403 within a minute suspends, a single one never does', () => {
  const memory = createRestraint();
  expect([0, 1000, 59_000].map((now) => deniedFor(memory, now, undefined, policy))).toEqual([0, 0, 60_000]);
});

test('403s further apart than a minute never suspend', () => {
  const memory = createRestraint();
  expect([0, 30_000, 60_000, 90_000, 120_000].map((now) => deniedFor(memory, now, undefined, policy))).toEqual([
    0, 0, 0, 0, 0,
  ]);
});

test('a success forgets', () => {
  const memory = createRestraint();
  deniedFor(memory, 0, undefined, policy);
  deniedFor(memory, 1, undefined, policy);
  throttledFor(memory, undefined, policy);
  forgiven(memory);
  expect(deniedFor(memory, 2, undefined, policy)).toBe(0);
  expect(throttledFor(memory, undefined, policy)).toBe(60_000);
});

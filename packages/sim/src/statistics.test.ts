import { expect, test } from 'vitest';
import { estimate, geometricMean } from './statistics.js';

test('an interval of four samples uses Student, not the normal', () => {
  const { mean, ci } = estimate([1, 2, 3, 4]);
  expect(mean).toBe(2.5);
  expect(ci).toBeCloseTo(3.18 * Math.sqrt(5 / 3 / 4), 6);
});

test('one sample has no interval', () => {
  expect(estimate([1]).ci).toBeNaN();
});

test('the geometric mean is the root of the product', () => {
  expect(geometricMean([0.5, 2, 1])).toBeCloseTo(1, 12);
});

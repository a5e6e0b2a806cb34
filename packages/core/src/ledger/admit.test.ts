import { expect, test } from 'vitest';
import { admit } from './admit.js';
import { createLeaseCounts, giveBack, inFlightOf } from './leases.js';

test('the first candidate with room is taken, and never over its limit', () => {
  const leases = createLeaseCounts();
  const rows = Int32Array.of(3, 1);
  const limits = Float64Array.of(9, 2, 9, 1);
  const granted = Array.from({ length: 4 }, () => admit(leases, rows, 2, limits));
  expect(granted).toEqual([3, 1, 1, -1]);
});

test('a place given back is taken again', () => {
  const leases = createLeaseCounts();
  const limits = Float64Array.of(1);
  admit(leases, Int32Array.of(0), 1, limits);
  giveBack(leases, 0);
  expect(admit(leases, Int32Array.of(0), 1, limits)).toBe(0);
  expect(inFlightOf(leases, 0)).toBe(1);
});

test('giving back what was never taken is an error', () => {
  expect(() => giveBack(createLeaseCounts(), 0)).toThrow(RangeError);
});

test('rows beyond the first capacity are counted', () => {
  const leases = createLeaseCounts();
  const limits = new Float64Array(1000).fill(1);
  expect(admit(leases, Int32Array.of(999), 1, limits)).toBe(999);
  expect(admit(leases, Int32Array.of(999), 1, limits)).toBe(-1);
});

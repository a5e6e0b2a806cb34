import { expect, test } from 'vitest';
import type { Fact } from './fact.js';
import { createKernel } from './kernel.js';
import type { Row } from './table.js';

const SERVED: Fact = { health: 'good', answer: 'served', block: false, connect: false, elapsedMs: 100, first: true };
const THROTTLED: Fact = { ...SERVED, answer: 'throttled', block: true };
const SPEC = { weight: 1, tier: 0, maxInFlight: Infinity, tags: 0 };
const ROWS = 20;

/** A target that gives each endpoint one token per `perTokenMs`, four at most, and a fleet that asks at the learned pace. */
function meet(perTokenMs: number, forMs: number) {
  const kernel = createKernel({ capacity: ROWS });
  const target = kernel.internTarget('counting.example');
  const tokens = new Float64Array(ROWS).fill(4);
  const filledAt = new Float64Array(ROWS);
  const opensAt = new Float64Array(ROWS);
  const refusedAt: number[] = [];
  for (let row = 0; row < ROWS; row += 1) kernel.addRow(SPEC, 0);
  for (let now = 0; now < forMs; now += 20) {
    for (let row = 0; row < ROWS; row += 1) {
      if (opensAt[row]! > now) continue;
      tokens[row] = Math.min(4, tokens[row]! + (now - filledAt[row]!) / perTokenMs);
      filledAt[row] = now;
      const served = tokens[row]! >= 1;
      if (served) tokens[row] = tokens[row]! - 1;
      else refusedAt.push(now);
      kernel.onAdmit(row, target, now);
      kernel.onSettle(row, target, served ? SERVED : THROTTLED, now, () => 0.5);
      const pace = Math.max(200, kernel.emissionMs(target));
      opensAt[row] = now + (served ? pace : Math.max(2_000, 2 * pace));
    }
  }
  return { kernel, target, late: refusedAt.filter((at) => at > forMs / 2).length };
}

test.each([1_000, 4_000, 10_000])('finds the limit of a target that counts: one per %i ms', (perTokenMs) => {
  const { kernel, target, late } = meet(perTokenMs, perTokenMs * 40);
  expect(kernel.emissionMs(target)).toBeGreaterThan(0.85 * perTokenMs);
  expect(kernel.emissionMs(target)).toBeLessThan(1.2 * perTokenMs);
  // Twenty endpoints, twenty uses each in the second half: one in sixteen at most is refused.
  expect(late).toBeLessThanOrEqual(25);
});

test('where a refusal stops everybody the pace keeps clear of it: slower at once, and no faster by mere successes', () => {
  const kernel = createKernel();
  const target = kernel.internTarget('strict.example');
  for (let row = 0; row < ROWS; row += 1) kernel.addRow(SPEC, 0);
  const GRAVE: Fact = { ...THROTTLED, block: false, grave: true };
  const attempt = (now: number, fact: Fact): void => {
    kernel.onAdmit(now % ROWS, target, now);
    kernel.onSettle(now % ROWS, target, fact, now, () => 0.5);
  };
  for (let now = 0; now < 2_000; now += 25) attempt(now, SERVED);
  attempt(2_001, GRAVE);
  const first = kernel.emissionMs(target);
  // Slower than forty a second over those that answered.
  expect(first).toBeGreaterThan(kernel.state.fleet.active / 0.04);
  // What was under way then says nothing more.
  attempt(2_002, GRAVE);
  expect(kernel.emissionMs(target)).toBe(first);
  for (let now = 62_000; now < 70_000; now += 25) attempt(now, SERVED);
  expect(kernel.emissionMs(target)).toBe(first);
  // Refused soon after it began again: twice as slow. Refused late: it was nearly right.
  attempt(70_000, GRAVE);
  const second = kernel.emissionMs(target);
  for (let now = 200_000; now < 900_000; now += 5_000) attempt(now, SERVED);
  attempt(900_000, GRAVE);
  expect(kernel.emissionMs(target) / second).toBeLessThan(1.3);
  expect(kernel.emissionMs(target) / second).toBeGreaterThanOrEqual(1.1);
});

const GRAVE: Fact = { ...THROTTLED, block: false, grave: true };
const DENIED: Fact = { ...GRAVE, answer: 'denied' };

test.each([2_000, 4_000, 7_000])('measures a limit by the second refusal that stops everybody: %i ms', (perTokenMs) => {
  const kernel = createKernel({ capacity: ROWS });
  const target = kernel.internTarget('strict.example');
  const tokens = new Float64Array(ROWS);
  const filledAt = new Float64Array(ROWS);
  const opensAt = new Float64Array(ROWS);
  for (let row = 0; row < ROWS; row += 1) kernel.addRow(SPEC, 0);
  let now = 0;
  const asks = (row: Row): boolean => {
    tokens[row] = Math.min(4, tokens[row]! + (now - filledAt[row]!) / perTokenMs);
    filledAt[row] = now;
    const served = tokens[row]! >= 1;
    tokens[row] = tokens[row]! - 1;
    kernel.onAdmit(row, target, now);
    kernel.onSettle(row, target, served ? SERVED : GRAVE, now, () => 0.5);
    opensAt[row] = now + Math.max(0.375 * perTokenMs, kernel.emissionMs(target));
    return served;
  };
  /** After a minute's pause, and a time in which few ask, every endpoint does as often as the pace allows. */
  const untilRefused = (quietMs: number): void => {
    now += 60_000;
    tokens.fill(4);
    filledAt.fill(now);
    for (const end = now + quietMs; now < end; now += 5_000) asks((now / 5_000) % ROWS);
    for (let served = true; served; now += 20) {
      for (let row = 0; row < ROWS && served; row += 1) if (opensAt[row]! <= now) served = asks(row);
    }
    now = Math.ceil(now / 5_000) * 5_000;
  };
  untilRefused(0);
  expect(kernel.emissionMs(target)).toBeLessThan(0.9 * perTokenMs);
  untilRefused(60_000);
  expect(kernel.emissionMs(target)).toBeGreaterThan(perTokenMs);
  expect(kernel.emissionMs(target)).toBeLessThan(1.2 * perTokenMs);
});

test.each([
  ['that bars its pair', { ...DENIED, block: true, grave: false }, 16_000],
  ['that counts towards a pause', DENIED, 100_000],
])('after a denial %s the pace comes back by the time, not by the number of successes', (_what, denied, forMs) => {
  const kernel = createKernel();
  for (let row = 0; row < ROWS; row += 1) kernel.addRow(SPEC, 0);
  const paceAfter = (name: string, everyMs: number): number => {
    const target = kernel.internTarget(name);
    const attempt = (now: number, fact: Fact): void => {
      kernel.onAdmit(now % ROWS, target, now);
      kernel.onSettle(now % ROWS, target, fact, now, () => 0.5);
    };
    for (let now = 0; now < 2_000; now += 25) attempt(now, SERVED);
    attempt(2_001, denied);
    const first = kernel.emissionMs(target);
    for (let now = 4_000; now <= forMs; now += everyMs) attempt(now, SERVED);
    return kernel.emissionMs(target) / first;
  };
  const rare = paceAfter('rare.example', (forMs - 4_000) / 8);
  const popular = paceAfter('popular.example', 100);
  expect(rare).toBeGreaterThan(0.6);
  expect(rare).toBeLessThan(0.8);
  expect(Math.abs(popular - rare)).toBeLessThan(0.02);
});

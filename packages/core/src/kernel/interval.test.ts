import { expect, test } from 'vitest';
import type { Fact } from './fact.js';
import { seededRandom } from '../testing/seeded-random.js';
import { createKernel } from './kernel.js';
import { createCandidates, createQuery } from './query.js';
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

/** Twenty endpoints, asked in any order, of a target that gives each a token every so often and holds four at most. */
function bucketedTarget(perTokenMs: number) {
  const kernel = createKernel({ capacity: ROWS });
  const target = kernel.internTarget('strict.example');
  const query = { ...createQuery(() => 0.5), target, wary: true };
  const candidates = createCandidates();
  const tokens = new Float64Array(ROWS);
  const filledAt = new Float64Array(ROWS);
  const opensAt = new Float64Array(ROWS);
  for (let row = 0; row < ROWS; row += 1) kernel.addRow(SPEC, 0);
  const asks = (row: Row, now: number): boolean => {
    tokens[row] = Math.min(4, tokens[row]! + (now - filledAt[row]!) / perTokenMs);
    filledAt[row] = now;
    const served = tokens[row]! >= 1;
    tokens[row] = tokens[row]! - 1;
    query.now = now;
    kernel.rank(query, candidates);
    kernel.onAdmit(row, target, now);
    kernel.onSettle(row, target, served ? SERVED : GRAVE, now, () => 0.5);
    opensAt[row] = now + kernel.emissionMs(target);
    return served;
  };
  return {
    kernel,
    target,
    asks,
    /** After a minute's pause every endpoint asks as often as the pace allows, and at most every `leastMs`. */
    untilRefused(from: number, leastMs: number): number {
      let now = from + 60_000;
      tokens.fill(4);
      filledAt.fill(now);
      opensAt.fill(0);
      for (let served = true; served; now += 20) {
        for (let row = 0; row < ROWS && served; row += 1) {
          if (opensAt[row]! > now) continue;
          served = asks(row, now);
          opensAt[row] = Math.max(opensAt[row]!, now + leastMs);
        }
      }
      return now;
    },
  };
}

test.each([2_000, 4_000, 7_000])('measures a limit by the first refusal that stops everybody: %i ms', (perTokenMs) => {
  const { kernel, target, untilRefused } = bucketedTarget(perTokenMs);
  untilRefused(0, 0.7 * perTokenMs);
  expect(kernel.emissionMs(target)).toBeGreaterThan(perTokenMs);
  expect(kernel.emissionMs(target)).toBeLessThan(1.3 * perTokenMs);
});

test('what one refusal leaves uncertain the pace comes down by, and no further', () => {
  const { kernel, target, asks, untilRefused } = bucketedTarget(3_000);
  const refusedAt = untilRefused(0, 1_800);
  const first = kernel.emissionMs(target);
  for (let turn = 1; turn < 1_000; turn += 1) asks(turn % ROWS, refusedAt + turn * 2_000);
  // The limit lay between the refused use and the one before it.
  expect(kernel.emissionMs(target) / first).toBeLessThan(0.95);
  expect(kernel.emissionMs(target) / first).toBeGreaterThan(0.85);
});

test('after a denial that bars its pair the pace comes back by the time, not by the number of successes', () => {
  const kernel = createKernel();
  for (let row = 0; row < ROWS; row += 1) kernel.addRow(SPEC, 0);
  const paceAfter = (name: string, everyMs: number): number => {
    const target = kernel.internTarget(name);
    const attempt = (now: number, fact: Fact): void => {
      kernel.onAdmit(now % ROWS, target, now);
      kernel.onSettle(now % ROWS, target, fact, now, () => 0.5);
    };
    for (let now = 0; now < 2_000; now += 25) attempt(now, SERVED);
    attempt(2_001, { ...DENIED, block: true, grave: false });
    const first = kernel.emissionMs(target);
    for (let now = 4_000; now <= 16_000; now += everyMs) attempt(now, SERVED);
    return kernel.emissionMs(target) / first;
  };
  const rare = paceAfter('rare.example', 1_500);
  const popular = paceAfter('popular.example', 100);
  expect(rare).toBeGreaterThan(0.6);
  expect(rare).toBeLessThan(0.8);
  expect(Math.abs(popular - rare)).toBeLessThan(0.02);
});

test.each([0.02, 0.08])(
  'where denials may stop everybody about one use in eighty is denied in the end',
  (riskAtASecond) => {
    const kernel = createKernel();
    for (let row = 0; row < ROWS; row += 1) kernel.addRow(SPEC, 0);
    const target = kernel.internTarget('touchy.example');
    const random = seededRandom(7);
    let now = 0;
    let [uses, denials] = [0, 0];
    for (let turn = 0; turn < 60_000; turn += 1) {
      const everyMs = Math.max(200, kernel.emissionMs(target));
      now += everyMs / ROWS;
      const row = turn % ROWS;
      // The risk of a use grows with the rate at which its endpoint is used.
      const denied = random() < (riskAtASecond * 1_000) / everyMs;
      kernel.onAdmit(row, target, now);
      kernel.onSettle(row, target, denied ? DENIED : SERVED, now, () => 0.5);
      if (turn < 20_000) continue;
      uses += 1;
      denials += Number(denied);
    }
    expect(denials / uses).toBeGreaterThan(0.009);
    expect(denials / uses).toBeLessThan(0.016);
  },
);

test('a limit that a 429 told of stands when pages are denied after it', () => {
  const { kernel, target, untilRefused } = bucketedTarget(2_000);
  untilRefused(0, 100);
  const known = kernel.state.targets.states[target]!.leastMs;
  expect(known).toBeGreaterThan(100);
  const attempt = (now: number, fact: Fact): void => {
    kernel.onAdmit(0, target, now);
    kernel.onSettle(0, target, fact, now, () => 0.5);
  };
  attempt(999_000, SERVED);
  const before = kernel.emissionMs(target);
  attempt(1_000_000, DENIED);
  expect(kernel.emissionMs(target)).toBeGreaterThan(1.1 * before);
  for (let turn = 1; turn <= 2_000; turn += 1) attempt(1_000_000 + 5_000 * turn, SERVED);
  expect(kernel.emissionMs(target)).toBeCloseTo(known, 0);
});

test('pages that are denied at any pace do not stop the others', () => {
  const kernel = createKernel();
  const target = kernel.internTarget('members.example');
  kernel.addRow(SPEC, 0);
  for (let turn = 1; turn <= 300; turn += 1) {
    for (const fact of [SERVED, DENIED]) {
      kernel.onAdmit(0, target, 200_000 * turn);
      kernel.onSettle(0, target, fact, 200_000 * turn, () => 0.5);
    }
  }
  expect(kernel.emissionMs(target)).toBeGreaterThan(10_000);
  expect(kernel.emissionMs(target)).toBeLessThanOrEqual(30_000);
});

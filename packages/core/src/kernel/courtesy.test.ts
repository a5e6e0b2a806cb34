import { expect, test } from 'vitest';
import { seededRandom } from '../testing/seeded-random.js';
import { ETS_DEFAULTS } from './defaults.js';
import type { Fact } from './fact.js';
import { createKernel } from './kernel.js';
import { createCandidates, createQuery } from './query.js';
import { countedAt, createUsage, isRecent, noteUse } from './usage.js';

const SPEC = { weight: 1, tier: 0, maxInFlight: Infinity, tags: 0 };
const SERVED: Fact = { health: 'good', answer: 'served', block: false, connect: false, elapsedMs: 100, first: true };
const REFUSED: Fact = { ...SERVED, answer: 'throttled', grave: true };
const ROWS = 24;

/** Endpoints of which some are quicker than others, and requests one after another. */
function fleet() {
  const kernel = createKernel({ capacity: ROWS });
  const query = createQuery(seededRandom(3));
  const candidates = createCandidates();
  for (let row = 0; row < ROWS; row += 1) kernel.addRow(SPEC, 0);
  const ask = (target: number, now: number, wary: boolean, fact = SERVED): number => {
    Object.assign(query, { target, now, wary, first: false });
    kernel.rank(query, candidates);
    const row = candidates.rows[0]!;
    kernel.onAdmit(row, target, now);
    kernel.onSettle(row, target, { ...fact, elapsedMs: 200 + 10 * row }, now + 1, () => 0.5);
    return row;
  };
  for (let row = 0; row < ROWS; row += 1) {
    const target = kernel.internTarget('before.example');
    kernel.onAdmit(row, target, 0);
    kernel.onSettle(row, target, { ...SERVED, elapsedMs: 200 + 10 * row }, 1, () => 0.5);
  }
  return {
    kernel,
    ask,
    /** How much of what a target was asked went through the endpoint that it was asked through most. */
    shareOfBusiest(name: string, from: number, wary: boolean): number {
      const uses = new Uint32Array(ROWS);
      for (let turn = 0; turn < 240; turn += 1) uses[ask(kernel.internTarget(name), from + 50 * turn, wary)]! += 1;
      return Math.max(...uses) / 240;
    },
  };
}

test('where a refusal would stop everybody endpoints take turns in the first moments, and elsewhere the quickest serve', () => {
  const { shareOfBusiest } = fleet();
  expect(shareOfBusiest('wary.example', 10, true)).toBeLessThan(1.5 / ROWS);
  expect(shareOfBusiest('plain.example', 10, false)).toBeGreaterThan(4 / ROWS);
});

test('once nobody has refused for a while the quickest serve; a refusal brings the turns back, for other targets too', () => {
  const { kernel, ask, shareOfBusiest } = fleet();
  expect(shareOfBusiest('early.example', 10, true)).toBeLessThan(1.5 / ROWS);
  expect(shareOfBusiest('late.example', 40_000, true)).toBeGreaterThan(4 / ROWS);
  ask(kernel.internTarget('strict.example'), 60_000, true, SERVED);
  ask(kernel.internTarget('strict.example'), 60_010, true, REFUSED);
  expect(shareOfBusiest('other.example', 61_000, true)).toBeLessThan(1.5 / ROWS);
  expect(shareOfBusiest('another.example', 2_000_000, true)).toBeGreaterThan(4 / ROWS);
});

test('only endpoints that are not much dearer take turns', () => {
  const kernel = createKernel({ capacity: 4 });
  const query = { ...createQuery(seededRandom(3)), wary: true, first: false };
  const candidates = createCandidates();
  const target = kernel.internTarget('wary.example');
  const takesMs = [100, 110, 5_000, 6_000];
  const uses = [0, 0, 0, 0];
  for (const [row, elapsedMs] of takesMs.entries()) {
    kernel.addRow(SPEC, 0);
    kernel.onAdmit(row, target, 0);
    kernel.onSettle(row, target, { ...SERVED, elapsedMs }, 1, () => 0.5);
  }
  for (let turn = 0; turn < 100; turn += 1) {
    Object.assign(query, { target, now: 10 + turn * 100 });
    kernel.rank(query, candidates);
    const row = candidates.rows[0]!;
    uses[row]! += 1;
    kernel.onAdmit(row, target, query.now);
    kernel.onSettle(row, target, { ...SERVED, elapsedMs: takesMs[row]! }, query.now + 50, () => 0.5);
  }
  expect(uses[0]! + uses[1]!).toBeGreaterThan(95);
  expect(Math.min(uses[0]!, uses[1]!)).toBeGreaterThan(30);
});

test('of more targets than can be counted those in use are, and the others are served all the same', () => {
  const { kernel, ask } = fleet();
  const isCounted = (name: string): boolean =>
    kernel.state.targets.states[kernel.internTarget(name)]!.usage !== undefined;
  for (let turn = 0; turn < 4_000; turn += 1) {
    ask(kernel.internTarget(turn % 2 === 0 ? 'busy.example' : `t${turn}.example`), 10 + turn, true);
  }
  expect(isCounted('busy.example')).toBe(true);
  expect(isCounted('t3999.example')).toBe(true);
  expect(isCounted('t1.example')).toBe(false);
  expect(kernel.state.targets.states.filter(({ usage }) => usage !== undefined)).toHaveLength(256);
});

test('the count of one endpoint is not the next one’s, and what was not begun is not counted', () => {
  const { kernel, ask } = fleet();
  const target = kernel.internTarget('wary.example');
  for (let turn = 0; turn < ROWS; turn += 1) ask(target, 10 + turn, true);
  const { usage, starts } = kernel.state.targets.states[target]!;
  expect(usage!.uses[5]).toBe(1);
  kernel.onAdmit(5, target, 40);
  kernel.onWithdraw(5, target, 40, () => 0.5);
  expect(usage!.uses[5]).toBe(1);
  expect(kernel.state.targets.states[target]!.starts).toBeCloseTo(starts, 1);
  kernel.retireRow(5, 50);
  kernel.vacateRow(5);
  expect(usage!.rows).not.toContain(5);
  expect(usage!.rows).toContain(6);
});

test('where other workers ask the target too, its uses here tell no limit', () => {
  const limitMs = (alone: boolean): number => {
    const usage = createUsage(alone);
    for (let now = 0; now < 20_000; now += 500) noteUse(usage, 3, now, 0, 60_000);
    return countedAt(usage, 3, 20_000, 0, ETS_DEFAULTS).ms;
  };
  expect(limitMs(true)).toBeCloseTo(550, -2);
  expect(limitMs(false)).toBe(0);
});

test('a long count tells the limit as well as a short one, and turns go on for ever', () => {
  const usage = createUsage(true);
  usage.turn = 2 ** 32 - 100;
  for (let turn = 0; turn < 200_000; turn += 1) noteUse(usage, 3, 100 * turn, 0, 60_000);
  expect(isRecent(usage, 3, 1)).toBe(true);
  noteUse(usage, 4, 20_000_000, 0, 60_000);
  expect(isRecent(usage, 3, 1)).toBe(false);
  expect(isRecent(usage, 3, 2)).toBe(true);
  expect(countedAt(usage, 3, 20_000_000, 0, ETS_DEFAULTS).ms).toBeCloseTo(100, 1);
});

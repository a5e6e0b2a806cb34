import { beforeEach, describe, expect, test } from 'vitest';
import { roundRobin } from '../strategies/round-robin.js';
import { costOf, rateOf } from './estimate.js';
import type { EffectKind } from './effects.js';
import type { Fact } from './fact.js';
import { createKernel, type Kernel, type KernelOptions } from './kernel.js';
import { createCandidates, createQuery, type RankQuery } from './query.js';
import { addSample, bestCuts, createHistogram, type LogHistogram } from './quantiles.js';
import { Standing, type Row } from './table.js';

const SERVED: Fact = { health: 'good', answer: 'served', block: false, connect: false, elapsedMs: 400, first: true };
const REFUSED: Fact = { ...SERVED, health: 'bad', answer: 'none', connect: true };
const TIMEOUT: Fact = { ...SERVED, health: 'split', answer: 'none' };
const BROKEN: Fact = { ...SERVED, answer: 'broken' };
const OVERTAKEN: Fact = { ...SERVED, health: 'none', answer: 'none', overtaken: true };
const DENIED: Fact = { ...SERVED, answer: 'denied', block: true };
const THROTTLED: Fact = { ...SERVED, answer: 'throttled', block: true };
const SPEC = { weight: 1, tier: 0, maxInFlight: Infinity, tags: 0 };

let kernel: Kernel;
let query: RankQuery;
let now: number;
let effects: { kind: EffectKind; row: number; target: number; until: number }[];
const candidates = createCandidates();

function start(rows: number, options: KernelOptions = {}): void {
  now = 0;
  effects = [];
  kernel = createKernel({
    ...options,
    onEffect: (kind, row, target, until) => effects.push({ kind, row, target, until }),
  });
  for (let row = 0; row < rows; row += 1) kernel.addRow(SPEC, now);
  query = createQuery(() => 0.5);
  query.target = target('shop.example');
}

beforeEach(() => start(8));

function target(key: string): number {
  return kernel.internTarget(key);
}

function rank(): number[] {
  query.now = now;
  kernel.rank(query, candidates);
  return [...candidates.rows.subarray(0, candidates.count)];
}

function attempt(row: Row, fact: Fact = SERVED, where = query.target): void {
  kernel.onAdmit(row, where, now);
  kernel.onSettle(row, where, fact, now, () => 0.5);
}

function prove(row: Row, times = 1): void {
  for (let index = 0; index < times; index += 1) attempt(row);
}

const standing = (row: Row) => kernel.state.table.standing[row];
const limit = (row: Row) => kernel.state.table.limit[row]!;
const kinds = () => effects.map(({ kind }) => kind);
const rate = (row: Row) => rateOf(kernel.state.table, kernel.state.fleet, row, now, kernel.state.constants);
const targetState = () => kernel.state.targets.states[query.target]!;

describe('standing', () => {
  test('a newcomer is on trial, carries one lease, and is active once it succeeded', () => {
    start(1);
    expect(rank()).toEqual([0]);
    expect(candidates.limits[0]).toBe(1);
    kernel.onAdmit(0, query.target, now);
    expect(rank()).toEqual([]);
    kernel.onSettle(0, query.target, SERVED, now, () => 0.5);
    expect(standing(0)).toBe(Standing.active);
    expect(rank()).toEqual([0]);
    expect(kinds()).toEqual(['activated']);
  });

  test('one on trial carries one lease whoever ranks', () => {
    start(1, { strategy: roundRobin() });
    kernel.onAdmit(rank()[0]!, query.target, now);
    expect(rank()).toEqual([]);
    expect(kernel.eligibility(0, query)).toBe('busy');
  });

  test('a proven endpoint cools at its third failure in a row, and a success between them resets the run', () => {
    prove(0, 30);
    for (const fact of [REFUSED, REFUSED, SERVED, REFUSED, SERVED, REFUSED]) attempt(0, fact);
    expect(kinds()).not.toContain('cooled');
    for (const fact of [REFUSED, REFUSED]) attempt(0, fact);
    expect(standing(0)).toBe(Standing.cooling);
    expect(effects.at(-1)).toMatchObject({ kind: 'cooled', row: 0, until: 8_000 });
  });

  test('one on trial cools at its first clear failure, not at one that may well be the target', () => {
    attempt(0, TIMEOUT);
    expect(standing(0)).toBe(Standing.cooling);
    // A fleet of which nearly every newcomer is good, and a target that fails nearly everybody.
    start(8);
    kernel.state.fleet.noveltyRate = 0.95;
    kernel.state.fleet.noveltyReadAt = Infinity;
    targetState().failure = 40;
    attempt(0, TIMEOUT);
    expect(standing(0)).toBe(Standing.trial);
  });

  test('a cooldown ends by time, on trial, with one lease of probation; the next one is twice as long', () => {
    prove(0, 30);
    for (const fact of [REFUSED, REFUSED, REFUSED]) attempt(0, fact);
    now = 7_999;
    rank();
    expect(standing(0)).toBe(Standing.cooling);
    now = 8_000;
    rank();
    expect(standing(0)).toBe(Standing.trial);
    attempt(0, REFUSED);
    expect(effects.at(-1)).toMatchObject({ kind: 'cooled', until: 24_000 });
  });

  test('a late success of one that cools brings it back; a late failure changes nothing', () => {
    prove(0, 30);
    for (let lease = 0; lease < 5; lease += 1) kernel.onAdmit(0, query.target, now);
    const settle = (fact: Fact) => kernel.onSettle(0, query.target, fact, now, () => 0.5);
    kernel.state.table.limit[0] = 64;
    for (let time = 0; time < 3; time += 1) settle({ ...REFUSED, connect: false });
    expect(standing(0)).toBe(Standing.cooling);
    const before = effects.length;
    settle({ ...REFUSED, connect: false });
    expect(effects.length).toBe(before);
    settle(SERVED);
    expect(standing(0)).toBe(Standing.active);
  });

  test('held and retired rows are never ranked, whatever settles meanwhile', () => {
    prove(0, 3);
    prove(1, 3);
    kernel.onAdmit(0, query.target, now);
    kernel.onAdmit(1, query.target, now);
    kernel.hold(0, now);
    kernel.retireRow(1, now);
    kernel.onSettle(0, query.target, SERVED, now, () => 0.5);
    kernel.onSettle(1, query.target, REFUSED, now, () => 0.5);
    for (let draw = 0; draw < 20; draw += 1) for (const row of rank()) expect([0, 1]).not.toContain(row);
    kernel.resume(0, now);
    expect(standing(0)).toBe(Standing.active);
  });

  test('a row that served another endpoint remembers nothing of it', () => {
    prove(3, 20);
    attempt(3, DENIED);
    kernel.retireRow(3, now);
    kernel.vacateRow(3);
    expect(kernel.addRow(SPEC, now)).toBe(3);
    expect(standing(3)).toBe(Standing.trial);
    expect(kernel.state.table.success[3]).toBe(0);
    expect(kernel.eligibility(3, query)).toBe('ok');
  });

  test('an endpoint that never succeeds is evicted when asked for, and comes back when resumed', () => {
    start(2, {
      constants: { evictAfter: 30 },
      cooldown: { kind: 'streak', failures: 1e6, baseMs: 1, maxMs: 1, growth: 1 },
    });
    for (let failure = 0; failure < 30; failure += 1) attempt(0, REFUSED);
    expect(standing(0)).toBe(Standing.held);
    expect(kinds()).toContain('evicted');
    kernel.resume(0, now);
    expect(standing(0)).toBe(Standing.trial);
  });

  test('the streak rule cools after so many failures in a row, longer each time, and at once on probation', () => {
    start(1, {
      cooldown: { kind: 'streak', failures: 3, baseMs: 30_000, maxMs: 300_000, growth: 2 },
      earlyRelease: false,
    });
    prove(0, 30);
    attempt(0, REFUSED);
    attempt(0, REFUSED);
    expect(standing(0)).toBe(Standing.active);
    attempt(0, REFUSED);
    expect(effects.at(-1)).toMatchObject({ kind: 'cooled', until: 30_000 });
    now = 30_000;
    rank();
    attempt(0, REFUSED);
    expect(effects.at(-1)).toMatchObject({ kind: 'cooled', until: 90_000 });
  });
});

describe('limit', () => {
  test('grows on successes at the limit and not below it', () => {
    prove(0);
    expect(limit(0)).toBe(4);
    for (let lease = 0; lease < 4; lease += 1) kernel.onAdmit(0, query.target, now);
    kernel.onSettle(0, query.target, SERVED, now, () => 0.5);
    expect(limit(0)).toBe(4.25);
    kernel.onSettle(0, query.target, SERVED, now, () => 0.5);
    expect(limit(0)).toBe(4.25);
  });

  test('a connect fault of a proven endpoint at its limit is load: it shrinks and stays', () => {
    prove(0, 40);
    for (let lease = 0; lease < 5; lease += 1) kernel.onAdmit(0, query.target, now);
    for (let fault = 0; fault < 2; fault += 1) kernel.onSettle(0, query.target, REFUSED, now, () => 0.5);
    expect(limit(0)).toBeLessThan(3.5);
    expect(standing(0)).toBe(Standing.active);
  });

  test('never beyond what the user allows', () => {
    start(1);
    kernel.setSpec(0, { ...SPEC, maxInFlight: 2 }, now);
    prove(0);
    kernel.onAdmit(0, query.target, now);
    expect(rank()).toEqual([0]);
    expect(candidates.limits[0]).toBe(2);
    kernel.onAdmit(0, query.target, now);
    expect(rank()).toEqual([]);
    kernel.onSettle(0, query.target, SERVED, now, () => 0.5);
    expect(limit(0)).toBe(2);
  });
});

describe('blame', () => {
  test('an answer of any status proves the endpoint; a broken target is not its fault', () => {
    attempt(0, BROKEN);
    expect(standing(0)).toBe(Standing.active);
    expect(kernel.state.table.failure[0]).toBe(0);
    expect(targetState().failure).toBe(1);
  });

  test('a timeout is shared between a good endpoint and a target that fails', () => {
    prove(0, 40);
    attempt(0, TIMEOUT);
    const early = kernel.state.table.failure[0]!;
    start(8);
    prove(0, 40);
    targetState().success = 1;
    targetState().failure = 12;
    attempt(0, TIMEOUT);
    expect(kernel.state.table.failure[0]!).toBeLessThan(early / 3);
    expect(targetState().failure).toBeGreaterThan(12.8);
  });

  test('an abandoned attempt blames nobody and frees its place', () => {
    prove(0, 2);
    const before = rate(0);
    attempt(0, { ...SERVED, health: 'none', answer: 'none' });
    expect(rate(0)).toBe(before);
    expect(kernel.state.table.inFlight[0]).toBe(0);
  });

  test('a refusal is quick, and is no latency', () => {
    attempt(0, { ...SERVED, elapsedMs: 900 });
    attempt(0, { ...DENIED, elapsedMs: 5 });
    expect(kernel.state.table.latency[0]).toBe(900);
  });
});

describe('overtaken', () => {
  test('one on trial rests, a proven one after several, and the target learns nothing', () => {
    prove(1, 20);
    attempt(0, OVERTAKEN);
    expect(standing(0)).toBe(Standing.cooling);
    attempt(1, OVERTAKEN);
    expect(standing(1)).toBe(Standing.active);
    for (let turn = 0; turn < 12; turn += 1) attempt(1, OVERTAKEN);
    expect(standing(1)).toBe(Standing.cooling);
    expect(targetState().failure).toBe(0);
  });

  test('how long failures take is learned from those that were not cut short', () => {
    const { fleet } = kernel.state;
    const before = fleet.failureMs;
    attempt(0, { ...OVERTAKEN, elapsedMs: 9_999 });
    expect(fleet.failureMs).toBe(before);
  });
});

describe('breaker', () => {
  const fail = (rows: number, fact: Fact) => {
    for (let row = 0; row < rows; row += 1) attempt(row, fact);
  };

  test('opens past three failures that are seven tenths of the answers', () => {
    fail(3, BROKEN);
    expect(kernel.breakerOpen(query.target)).toBe(false);
    attempt(3, BROKEN);
    expect(kernel.breakerOpen(query.target)).toBe(true);
    expect(effects).toContainEqual({ kind: 'breaker-opened', row: -1, target: query.target, until: 1_000 });
  });

  test('stays closed while a fair share answers', () => {
    prove(0, 8);
    for (let failure = 0; failure < 8; failure += 1) attempt(1, BROKEN);
    expect(kernel.breakerOpen(query.target)).toBe(false);
  });

  test('opens by surprise: endpoints held for good fail one after another, each counted once', () => {
    const elsewhere = target('else.example');
    for (let row = 0; row < 8; row += 1) for (let n = 0; n < 40; n += 1) attempt(row, SERVED, elsewhere);
    targetState().success = 100;
    // Six times ln(1 - .95) is beyond -14; one endpoint alone never is, however often it fails.
    for (let again = 0; again < 20; again += 1) attempt(0, BROKEN);
    expect(kernel.breakerOpen(query.target)).toBe(false);
    for (let row = 1; row < 6; row += 1) attempt(row, BROKEN);
    expect(kernel.breakerOpen(query.target)).toBe(true);
  });

  test('connect faults say nothing of the target', () => {
    for (let row = 0; row < 8; row += 1) prove(row, 10);
    fail(8, REFUSED);
    expect(targetState().surprise).toBe(0);
    expect(targetState().failure).toBe(0);
  });

  test('open, it lets one probe out at a time, later each time, and closes on any answer', () => {
    for (let row = 0; row < 8; row += 1) attempt(row, SERVED, target('else.example'));
    fail(4, BROKEN);
    query.target = target('shop.example');
    expect(rank()).toEqual([]);
    expect(kernel.waitUntil(query)).toBe(1_000);
    expect(kernel.nextEventAt()).toBe(1_000);
    now = 1_000;
    const [probe] = rank();
    kernel.onAdmit(probe!, query.target, now);
    expect(rank()).toEqual([]);
    kernel.onSettle(probe!, query.target, BROKEN, now, () => 0.5);
    expect(kernel.waitUntil(query)).toBe(2_600);
    now = 2_600;
    attempt(rank()[0]!, DENIED);
    expect(kernel.breakerOpen(query.target)).toBe(false);
    expect(kinds()).toContain('breaker-closed');
    expect(rank().length).toBeGreaterThan(0);
  });

  /** Opens the breaker and sends a probe; what was out through its row before goes on. */
  const openWithProbe = (before = false): Row => {
    for (let row = 0; row < 8; row += 1) attempt(row, SERVED, target('else.example'));
    if (before) for (let row = 0; row < 8; row += 1) kernel.onAdmit(row, query.target, now);
    fail(4, BROKEN);
    now += 1_000;
    const [probe] = rank();
    kernel.onAdmit(probe!, query.target, now);
    return probe!;
  };

  test('what had been sent through the row of the probe before it is not taken for it', () => {
    const probe = openWithProbe(true);
    // It hangs as long as the target has been down, and its end says nothing of the probe.
    kernel.onSettle(probe, query.target, { ...TIMEOUT, elapsedMs: 8_000 }, now, () => 0.5);
    now += 4_000;
    expect(rank()).toEqual([]);
    kernel.onSettle(probe, query.target, { ...BROKEN, elapsedMs: 4_000 }, now, () => 0.5);
    expect(rank()).toEqual([]);
    now += 20_000;
    expect(rank()).not.toEqual([]);
  });

  test('what is seen beside a probe takes nobody its place', () => {
    const probe = openWithProbe();
    const other = (probe + 1) % 8;
    // As a tenancy is observed: no question was asked.
    kernel.onAdmit(other, query.target, now, true);
    kernel.onSettle(other, query.target, { ...TIMEOUT, elapsedMs: 50 }, now, () => 0.5);
    now += 4_000;
    expect(rank()).toEqual([]);
    expect(kernel.breakerOpen(query.target)).toBe(true);
  });

  test('a probe whose time is told wrongly ends with the last attempt that is out', () => {
    const probe = openWithProbe();
    now += 400;
    kernel.onSettle(probe, query.target, { ...BROKEN, elapsedMs: 60_000 }, now, () => 0.5);
    now += 20_000;
    expect(rank()).not.toEqual([]);
  });

  test('what is only told of when it is over is nobody’s probe, and none is waited for', () => {
    for (let row = 0; row < 8; row += 1) attempt(row, SERVED, target('else.example'));
    kernel.onAdmit(7, query.target, now);
    fail(4, BROKEN);
    kernel.onAdmit(3, query.target, now, true);
    kernel.onSettle(3, query.target, { ...TIMEOUT, elapsedMs: 3_000 }, now, () => 0.5);
    now += 20_000;
    expect(rank()).not.toEqual([]);
    kernel.onSettle(7, query.target, { ...TIMEOUT, elapsedMs: 20_000 }, now, () => 0.5);
    expect(rank()).not.toEqual([]);
  });

  test('a probe whose time is told wrongly ends with the last attempt that is out, whosever that is', () => {
    const probe = openWithProbe(true);
    kernel.onSettle(probe, query.target, { ...BROKEN, elapsedMs: 60_000 }, now, () => 0.5);
    const old = { ...TIMEOUT, elapsedMs: 8_000 };
    kernel.onSettle(probe, query.target, old, now, () => 0.5);
    for (let row = 0; row < 8; row += 1) if (row !== probe) kernel.onSettle(row, query.target, old, now, () => 0.5);
    now += 20_000;
    expect(rank()).not.toEqual([]);
  });

  test('a probe that was given up leaves the way to the next', () => {
    for (let row = 0; row < 8; row += 1) attempt(row, SERVED, target('else.example'));
    fail(4, BROKEN);
    now = 1_000;
    attempt(rank()[0]!, { ...SERVED, health: 'none', answer: 'none' });
    expect(rank().length).toBeGreaterThan(0);
  });
});

describe('blocks', () => {
  const blockLength = () => effects.findLast(({ kind }) => kind === 'blocked')!.until - now;

  test('a 403 bars the pair for 30 s, doubling to 600 s, and no other target', () => {
    prove(0);
    for (const length of [30, 60, 120, 240, 480, 600, 600]) {
      attempt(0, DENIED);
      expect(blockLength()).toBe(length * 1_000);
    }
    expect(kernel.eligibility(0, query)).toBe('blocked');
    query.target = target('else.example');
    expect(kernel.eligibility(0, query)).toBe('ok');
  });

  test('a 429 bars it for at least two seconds, and what the target asks for wins', () => {
    attempt(0, THROTTLED);
    expect(blockLength()).toBe(2_000);
    attempt(0, { ...THROTTLED, retryAfterMs: 77_000 });
    expect(blockLength()).toBe(77_000);
    now = 77_001;
    query.now = now;
    expect(kernel.eligibility(0, query)).toBe('ok');
  });

  test('ten successes forgive one strike', () => {
    prove(0, 12);
    attempt(0, DENIED);
    prove(0, 10);
    attempt(0, DENIED);
    expect(blockLength()).toBe(30_000);
  });

  test('under a policy that bars nothing the pair stays open and the pace is still learned', () => {
    prove(0, 5);
    attempt(0, { ...THROTTLED, block: false });
    expect(kernel.eligibility(0, query)).toBe('ok');
    expect(kernel.emissionMs(query.target)).toBeGreaterThan(0);
  });

  test('waiting names the end of the soonest block', () => {
    start(2);
    prove(0);
    prove(1);
    attempt(0, DENIED);
    now = 500;
    attempt(1, { ...DENIED, retryAfterMs: 9_000 });
    expect(rank()).toEqual([]);
    expect(kernel.waitUntil(query)).toBe(9_500);
  });
});

describe('interval', () => {
  const interval = () => targetState().intervalMs;

  test('starts from the rate of the target and the endpoints that share it', () => {
    for (let row = 0; row < 8; row += 1) prove(row);
    for (let step = 0; step < 400; step += 1) {
      now += 100;
      attempt(step % 8);
    }
    attempt(0, THROTTLED);
    // Ten a second over eight endpoints: .8 s between uses of one, .7 of that.
    expect(interval()).toBeGreaterThan(520);
    expect(interval()).toBeLessThan(600);
  });

  test('rises on a fresh refusal only: hits of the same ban again raise nothing', () => {
    for (let row = 0; row < 8; row += 1) prove(row, 4);
    attempt(0, DENIED);
    const first = interval();
    now += 1_000;
    attempt(0, DENIED);
    now += 1_000;
    attempt(0, DENIED);
    expect(interval()).toBe(first);
    attempt(0, SERVED);
    now += 1_000;
    attempt(0, DENIED);
    const { deniedTauMs, intervalDenied } = kernel.state.constants;
    expect(interval()).toBeCloseTo(first * Math.exp(-2_000 / deniedTauMs) * intervalDenied, 1);
  });

  test('rises at most once per half of itself', () => {
    for (let row = 0; row < 8; row += 1) prove(row, 4);
    now = 1_000;
    attempt(0, THROTTLED);
    const first = interval();
    now += Math.max(500, first / 2) - 1;
    attempt(1, THROTTLED);
    expect(interval()).toBe(first);
    now += 1;
    attempt(2, THROTTLED);
    expect(interval()).toBe(1.25 * first);
  });

  test('sinks by three thousandths a success, to nothing', () => {
    for (let row = 0; row < 8; row += 1) prove(row, 4);
    now = 1_000;
    attempt(0, THROTTLED);
    const first = interval();
    attempt(1);
    expect(interval()).toBeCloseTo(0.997 * first, 6);
    prove(1, 3_000);
    expect(interval()).toBe(0);
    expect(effects.at(-1)).toMatchObject({ kind: 'paced', until: 0 });
  });

  test('what the user asked for is a floor, and leaves no burst below it', () => {
    kernel.setConfiguredPace(query.target, 800);
    targetState().intervalMs = 1_000;
    expect(kernel.emissionMs(query.target)).toBe(1_000);
    expect(kernel.burstMs(query.target)).toBe(200);
    targetState().intervalMs = 100;
    expect(kernel.emissionMs(query.target)).toBe(800);
    expect(kernel.burstMs(query.target)).toBe(0);
  });
});

describe('time', () => {
  test('evidence fades with time: an old failure is forgotten, an old success as well', () => {
    prove(0, 20);
    expect(rate(0)).toBeGreaterThan(0.9);
    now = 3_600_000;
    expect(rate(0)).toBeLessThan(0.75);
  });

  test('instants keep their millisecond for months', () => {
    for (const months of [0, 1, 4]) {
      start(1);
      now = months * 2.6e9 + 0.25;
      kernel.retireRow(0, now);
      kernel.vacateRow(0);
      kernel.addRow(SPEC, now);
      prove(0, 40);
      for (const fact of [REFUSED, REFUSED, REFUSED]) attempt(0, fact);
      expect(kernel.nextEventAt() - now).toBeCloseTo(8_000, 0);
    }
  });

  test('a cooldown that spans the move of the epoch ends when it was said to', () => {
    start(2);
    now = 2 ** 22 - 4_000;
    prove(0, 40);
    for (const fact of [REFUSED, REFUSED, REFUSED]) attempt(0, fact);
    const due = kernel.nextEventAt();
    now = 2 ** 22 + 3_000;
    rank();
    expect(kernel.state.table.epoch).toBe(now);
    expect(kernel.nextEventAt()).toBeCloseTo(due, 0);
    expect(standing(0)).toBe(Standing.cooling);
    now = due + 1;
    rank();
    expect(standing(0)).not.toBe(Standing.cooling);
  });
});

describe('patience', () => {
  const cut = (row: Row) => kernel.abandonAfterMs(row, query.target, 8_000, () => 0.5);
  const watched = (row: Row) => kernel.abandonAfterMs(row, query.target, 8_000, () => 0.01);

  /** Attempts that would take so long each, given up when their time is over; three in a hundred are watched. */
  function live(count: number, takesMs: (n: number) => number): void {
    for (let n = 0; n < count; n += 1) {
      const elapsedMs = takesMs(n);
      const allowed = n % 33 === 1 ? watched(0) : cut(0);
      attempt(0, elapsedMs <= allowed ? { ...SERVED, elapsedMs } : { ...SERVED, health: 'none', answer: 'none' });
    }
  }

  /** About a second each, one in fifty three. */
  const usual = (n: number) => 900 + 20 * ((n * 7) % 10) + (n % 50 === 0 ? 2_000 : 0);

  test('keeps the whole timeout until fifty successes are known, and thrice its time for three attempts in a hundred', () => {
    live(50, usual);
    expect(cut(0)).toBe(8_000);
    expect(kernel.hedgeAfterMs(0)).toBe(Infinity);
    live(50, usual);
    expect(cut(0)).toBeLessThan(4_000);
    expect(watched(0)).toBeCloseTo(Math.min(8_000, 3 * cut(0)), 6);
  });

  test('gives up where starting anew is quicker, and never after the timeout', () => {
    live(500, usual);
    expect(cut(0)).toBeGreaterThan(1_400);
    expect(cut(0)).toBeLessThan(3_500);
    expect(kernel.abandonAfterMs(0, query.target, 700, () => 0.5)).toBe(700);
    expect(kernel.hedgeAfterMs(0)).toBeLessThan(3_500);
  });

  test('six first answers say how long an untried endpoint is given, and one late one does not say it for all', () => {
    start(60);
    live(400, usual);
    const first = (row: Row, elapsedMs: number) => attempt(row, { ...SERVED, elapsedMs });
    // Untried ones hang as a rule: those that answer do so in 600 ms.
    for (let row = 1; row < 8; row += 1) first(row, 600);
    for (let row = 20; row < 60; row += 1) attempt(row, { ...TIMEOUT, elapsedMs: 8_000 });
    live(100, usual);
    expect(cut(19)).toBeLessThan(1_100);
    first(8, 7_000);
    live(100, usual);
    expect(cut(19)).toBeLessThan(1_100);
  });

  test('what was given up stays known: late successes stand for all of their kind', () => {
    live(400, usual);
    expect(cut(0)).toBeLessThan(1_800);
    // Four in five take much longer now. The cut lets through the fifth alone, and of the others those that are watched.
    live(600, (n) => (n % 5 === 0 ? 1_000 : 2_800));
    expect(cut(0)).toBeGreaterThan(2_800);
  });
});

test('the best cut is the least of the expected times, waiting and starting anew weighed', () => {
  const histogram = createHistogram();
  for (let n = 0; n < 90; n += 1) addSample(histogram, 1);
  for (let n = 0; n < 10; n += 1) addSample(histogram, 20);
  // Nine in ten within one: giving up then costs 1/.9, waiting for the rest 2.9.
  expect(bestCutOf(histogram)).toBeCloseTo(1, 0);
  const slow = createHistogram();
  for (let n = 0; n < 10; n += 1) addSample(slow, 1);
  for (let n = 0; n < 90; n += 1) addSample(slow, 2);
  expect(bestCutOf(slow)).toBeCloseTo(2, 0);
  expect(bestCutOf(createHistogram())).toBe(Infinity);
});

function bestCutOf(histogram: LogHistogram): number {
  const cuts = new Float64Array(1);
  bestCuts(histogram, Float64Array.of(1), { hangs: 0, quick: 0 }, cuts);
  return cuts[0]!;
}

test('a cost is what a success is expected to take, and more with what the row carries', () => {
  prove(0, 10);
  const { table, fleet, constants } = kernel.state;
  const idle = costOf(table, fleet, 0, now, constants);
  kernel.onAdmit(0, query.target, now);
  expect(costOf(table, fleet, 0, now, constants)).toBeCloseTo(idle * 1.125, 3);
});

test('a few answers do not excuse an endpoint that refuses everyone after them', () => {
  prove(0, 3);
  let refusals = 0;
  while (standing(0) === Standing.active && refusals < 20) {
    // Another attempt is out, so that each refusal might as well be load.
    kernel.onAdmit(0, query.target, now);
    attempt(0, REFUSED);
    kernel.onSettle(0, query.target, REFUSED, now, () => 0.5);
    refusals += 2;
  }
  expect(refusals).toBeLessThanOrEqual(8);
});

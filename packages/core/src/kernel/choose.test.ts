import { describe, expect, test } from 'vitest';
import { createLedger } from '../ledger/ledger.js';
import { costOf } from './estimate.js';
import type { Fact } from './fact.js';
import { createKernel, type Kernel } from './kernel.js';
import { createCandidates, createQuery, isCandidate, type RankQuery } from './query.js';
import { Standing } from './table.js';

const SERVED: Fact = { health: 'good', answer: 'served', block: false, connect: false, elapsedMs: 400, first: true };
const REFUSED: Fact = { ...SERVED, health: 'bad', answer: 'none', connect: true };
const SPEC = { weight: 1, tier: 0, maxInFlight: Infinity, tags: 0 };
/** Neither trials nor refreshes: what is left is the choice by cost. */
const GREEDY = { trialShareMin: 0, trialShareMax: 0, refreshShare: 0 };

const candidates = createCandidates();

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function queryFor(kernel: Kernel, seed = 1): RankQuery {
  const query = createQuery(seeded(seed));
  query.target = kernel.internTarget('shop.example');
  return query;
}

function attempt(kernel: Kernel, row: number, fact: Fact, now = 0): void {
  const target = kernel.internTarget('warm.example');
  kernel.onAdmit(row, target, now);
  kernel.onSettle(row, target, fact, now, () => 0.5);
}

function proven(count: number, latencyOf: (row: number) => number, constants: object = GREEDY): Kernel {
  const kernel = createKernel({ constants, capacity: count });
  for (let row = 0; row < count; row += 1) {
    kernel.addRow(SPEC, 0);
    attempt(kernel, row, { ...SERVED, elapsedMs: latencyOf(row) });
  }
  return kernel;
}

/** Every row, by cost: what the buckets stand for. */
function leastCost({ state }: Kernel, query: RankQuery): number {
  let least = Infinity;
  for (let row = 0; row < state.table.size; row += 1) {
    if (isCandidate(state, row, query)) {
      least = Math.min(least, costOf(state.table, state.fleet, row, query.now, state.constants));
    }
  }
  return least;
}

describe('the walk over cost buckets', () => {
  test('finds the very cheapest row while buckets are small, once each row was looked after', () => {
    const chance = seeded(3);
    const kernel = proven(100, () => 100 * 40 ** chance());
    const query = queryFor(kernel);
    for (let choice = 0; choice < 160; choice += 1) {
      query.now = choice;
      kernel.rank(query, candidates);
      if (choice < 100) continue;
      const { table, fleet, constants } = kernel.state;
      expect(costOf(table, fleet, candidates.rows[0]!, query.now, constants)).toBe(leastCost(kernel, query));
      kernel.onAdmit(candidates.rows[0]!, query.target, query.now);
    }
  });

  test('spreads a load over endpoints that are all quick, instead of following the quickest', () => {
    const chance = seeded(5);
    const kernel = proven(50, () => 1 + 40 * chance());
    const query = queryFor(kernel);
    const out: number[] = [];
    let most = 0;
    for (let choice = 0; choice < 2_000; choice += 1) {
      query.now = choice;
      kernel.rank(query, candidates);
      const row = candidates.rows[0]!;
      kernel.onAdmit(row, query.target, query.now);
      out.push(row);
      most = Math.max(most, kernel.state.table.inFlight[row]!);
      if (out.length < 32) continue;
      kernel.onSettle(out.shift()!, query.target, { ...SERVED, elapsedMs: 1 + 40 * chance() }, query.now, chance);
    }
    expect(most).toBeLessThan(3);
  });

  test('stays within half an octave of a full search over ten thousand, while they fill, fail and fade', () => {
    const chance = seeded(4);
    const kernel = proven(10_000, () => 100 * 40 ** chance());
    const query = queryFor(kernel, 2);
    let loss = 0;
    for (let choice = 0; choice < 1_000; choice += 1) {
      query.now = choice * 20;
      kernel.rank(query, candidates);
      const row = candidates.rows[0]!;
      const { table, fleet, constants } = kernel.state;
      loss += costOf(table, fleet, row, query.now, constants) / leastCost(kernel, query) / 1_000;
      kernel.onAdmit(row, query.target, query.now);
      if (choice % 3 > 0) kernel.onSettle(row, query.target, choice % 7 === 0 ? REFUSED : SERVED, query.now, chance);
    }
    expect(loss).toBeLessThan(Math.SQRT2);
  });

  test('orders its candidates by cost', () => {
    const kernel = proven(20, (row) => 1_000 + row);
    const query = queryFor(kernel);
    kernel.rank(query, candidates);
    const rows = [...candidates.rows.subarray(0, candidates.count)];
    expect(rows.length).toBe(8);
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
  });

  test('hands out as many as are wanted, over several buckets', () => {
    const kernel = proven(8, (row) => 100 * 2 ** row);
    const query = queryFor(kernel);
    for (let round = 0; round < 9; round += 1) kernel.rank(query, candidates);
    expect(candidates.rows[0]).toBe(0);
    expect(candidates.count).toBeLessThan(8);
    query.want = 8;
    kernel.rank(query, candidates);
    expect([...candidates.rows.subarray(0, candidates.count)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('leaves out what was tried, what lacks a tag, what is ruled out, and what is full', () => {
    const kernel = proven(6, () => 500);
    for (const row of [0, 1, 2, 3, 4]) kernel.setSpec(row, { ...SPEC, tags: 0b10 }, 0);
    const query = queryFor(kernel);
    query.tags = 0b10;
    query.want = 8;
    query.tried.set([0]);
    query.triedCount = 1;
    query.allowed = (row) => row !== 1;
    for (let lease = 0; lease < 4; lease += 1) kernel.onAdmit(2, query.target, 0);
    kernel.rank(query, candidates);
    expect([...candidates.rows.subarray(0, candidates.count)].sort()).toEqual([3, 4]);
  });

  test('one row in ten thousand that has the tag is found', () => {
    const kernel = proven(4_000, () => 500);
    kernel.setSpec(3_210, { ...SPEC, tags: 1 }, 0);
    const query = queryFor(kernel);
    query.tags = 1;
    expect(kernel.rank(query, candidates)).toBe(1);
    expect(candidates.rows[0]).toBe(3_210);
  });
});

describe('trials', () => {
  test('cold endpoints get a bounded share: all but 3 % of the attempts go to known good ones', () => {
    const kernel = proven(200, () => 500, {});
    for (let row = 0; row < 2_000; row += 1) kernel.addRow(SPEC, 0);
    const query = queryFor(kernel);
    query.demand = 20;
    let trials = 0;
    for (let choice = 0; choice < 5_000; choice += 1) {
      kernel.rank(query, candidates);
      if (kernel.state.table.standing[candidates.rows[0]!] === Standing.trial) trials += 1;
    }
    expect(trials / 5_000).toBeGreaterThan(0.015);
    expect(trials / 5_000).toBeLessThan(0.045);
  });

  test('a second attempt tries nobody out while a known one is free', () => {
    const kernel = proven(4, () => 500, {});
    for (let row = 0; row < 40; row += 1) kernel.addRow(SPEC, 0);
    const query = queryFor(kernel);
    query.demand = 1_000;
    query.first = false;
    for (let choice = 0; choice < 200; choice += 1) {
      kernel.rank(query, candidates);
      expect(kernel.state.table.standing[candidates.rows[0]!]).toBe(Standing.active);
    }
  });
});

describe('early release', () => {
  function cooling(count: number): Kernel {
    const kernel = createKernel();
    for (let row = 0; row < count; row += 1) kernel.addRow(SPEC, 0);
    for (let row = 0; row < count; row += 1) attempt(kernel, row, REFUSED, row);
    return kernel;
  }

  test('a pool that cools altogether is asked all the same, after a moment of rest', () => {
    const kernel = cooling(40);
    const query = queryFor(kernel);
    query.now = 100;
    expect(kernel.rank(query, candidates)).toBe(0);
    // The first of them rested 250 ms by then.
    expect(kernel.waitUntil(query)).toBeLessThan(300);
    query.now = 300;
    expect(kernel.rank(query, candidates)).toBe(1);
    expect(kernel.state.table.standing[candidates.rows[0]!]).toBe(Standing.trial);
  });

  test('a larger pool that is merely busy releases after four seconds, the soonest due first', () => {
    const effects: string[] = [];
    const kernel = createKernel({ onEffect: (kind, row) => effects.push(`${kind} ${row}`) });
    for (let row = 0; row < 40; row += 1) kernel.addRow(SPEC, 0);
    for (let row = 1; row < 40; row += 1) attempt(kernel, row, REFUSED, row);
    attempt(kernel, 0, SERVED);
    const query = queryFor(kernel);
    for (let lease = 0; lease < 4; lease += 1) kernel.onAdmit(0, query.target, 40);
    query.now = 3_000;
    expect(kernel.rank(query, candidates)).toBe(0);
    query.now = 4_050;
    expect(kernel.rank(query, candidates)).toBe(1);
    expect(effects.at(-1)).toBe(`released-early ${candidates.rows[0]}`);
  });

  test('what only one endpoint fits is not kept waiting by twenty that do not, and are due sooner', () => {
    const kernel = createKernel();
    for (let row = 0; row < 40; row += 1) kernel.addRow({ ...SPEC, tags: row === 39 ? 1 : 0 }, 0);
    for (let row = 0; row < 20; row += 1) attempt(kernel, row, REFUSED, 0);
    attempt(kernel, 20, SERVED);
    attempt(kernel, 39, REFUSED, 1_000);
    const query = queryFor(kernel);
    query.tags = 1;
    query.now = 1_300;
    expect(kernel.rank(query, candidates)).toBe(1);
    expect(candidates.rows[0]).toBe(39);
    // Others are in service: it was no panic for those who may use them.
    query.tags = 0;
    expect(kernel.rank(query, candidates)).toBe(1);
    expect(kernel.state.table.standing[0]).toBe(Standing.cooling);
  });

  test('not where the pool says so', () => {
    const kernel = createKernel({ earlyRelease: false });
    kernel.addRow(SPEC, 0);
    attempt(kernel, 0, REFUSED);
    const query = queryFor(kernel);
    query.now = 5_000;
    expect(kernel.rank(query, candidates)).toBe(0);
    expect(kernel.waitUntil(query)).toBeCloseTo(16_000, 0);
  });
});

describe('pace', () => {
  test('a paced endpoint is skipped while its peers are idle, and waiting names the first opening', () => {
    const ledger = createLedger();
    const kernel = createKernel({ constants: GREEDY, pace: ledger.opensAt });
    for (let row = 0; row < 3; row += 1) kernel.addRow(SPEC, 0);
    for (let row = 0; row < 3; row += 1) attempt(kernel, row, { ...SERVED, elapsedMs: 100 + row });
    const query = queryFor(kernel);
    kernel.setConfiguredPace(query.target, 1_000);
    const granted = Array.from({ length: 4 }, (_, step) => {
      query.now = step * 10;
      kernel.rank(query, candidates);
      const { row } = ledger.admit({
        ...candidates,
        target: query.target,
        targetKey: 'shop.example',
        emissionMs: kernel.emissionMs(query.target),
        burstMs: kernel.burstMs(query.target),
        session: undefined,
        pin: { ttlMs: 0, maxMs: 0, maxUses: 0 },
        now: query.now,
      });
      return row;
    });
    expect(granted.toSorted((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
    expect(granted[3]).toBe(-1);
    expect(kernel.waitUntil(query)).toBe(1_000);
  });
});

test('a refresh goes to the one not heard of for longest, however dear it is', () => {
  const kernel = proven(40, (row) => 100 + row, { ...GREEDY, refreshShare: 1 });
  const query = queryFor(kernel);
  for (let row = 0; row < 40; row += 1) if (row !== 33) attempt(kernel, row, SERVED, 1_000);
  query.now = 1_000;
  let refreshed = 0;
  for (let choice = 0; choice < 200; choice += 1) {
    kernel.rank(query, candidates);
    if (candidates.rows[0] === 33) refreshed += 1;
  }
  // Eight of forty are drawn: it is among them about one time in five, and is then the one.
  expect(refreshed).toBeGreaterThan(20);
  expect(refreshed).toBeLessThan(60);
});

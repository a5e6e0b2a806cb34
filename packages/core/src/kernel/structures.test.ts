import { describe, expect, test } from 'vitest';
import { createDueQueue, dequeue, enqueue, soonest } from './due-queue.js';
import { createPairTable, dropPair, findPair, putPair } from './pair-table.js';
import { createRowSets, moveTo, NO_SET, removeFromSet, rowAt } from './row-sets.js';

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('row sets', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    test(`every row is in the one set it was put into last, seed ${seed}`, () => {
      const random = seeded(seed);
      const sets = createRowSets(5, 700);
      const model = new Map<number, number>();
      for (let step = 0; step < 5_000; step += 1) {
        const row = Math.floor(random() * 700);
        const set = Math.floor(random() * 6);
        if (set === 5) removeFromSet(sets, row);
        else moveTo(sets, row, set);
        if (set === 5) model.delete(row);
        else model.set(row, set);
      }
      for (let set = 0; set < 5; set += 1) {
        const held = Array.from({ length: sets.sizes[set]! }, (_, index) => rowAt(sets, set, index));
        const wanted = [...model].filter(([, where]) => where === set).map(([row]) => row);
        expect(held.sort((a, b) => a - b)).toEqual(wanted.sort((a, b) => a - b));
      }
      for (let row = 0; row < 700; row += 1) expect(sets.setOf[row]).toBe(model.get(row) ?? NO_SET);
    });
  }

  test('their storage stays near one number a row however the rows wander', () => {
    const sets = createRowSets(28, 64_000);
    for (let set = 0; set < 28; set += 1) for (let row = 0; row < 64_000; row += 1) moveTo(sets, row, set);
    expect(sets.storage.length).toBeLessThan(64_000 * 1.15 + 28 * 64);
  });
});

describe('the due queue', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    test(`always has the soonest first, also when rows leave from the middle, seed ${seed}`, () => {
      const random = seeded(seed);
      const columns = { coolUntil: new Float32Array(300), position: new Int32Array(300) };
      const queue = createDueQueue(0);
      const queued = new Set<number>();
      for (let step = 0; step < 800; step += 1) {
        const row = Math.floor(random() * 300);
        if (queued.delete(row)) dequeue(queue, columns, row);
        else {
          columns.coolUntil[row] = Math.floor(random() * 1_000);
          enqueue(queue, columns, row);
          queued.add(row);
        }
        const least = Math.min(...[...queued].map((one) => columns.coolUntil[one]!));
        if (queued.size > 0) expect(columns.coolUntil[soonest(queue)]).toBe(least);
        else expect(soonest(queue)).toBe(-1);
      }
    });
  }
});

describe('the pair table', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    test(`finds what was put and not what was dropped, seed ${seed}`, () => {
      const random = seeded(seed);
      const table = createPairTable(2 ** 14);
      const model = new Map<string, number>();
      for (let step = 0; step < 3_000; step += 1) {
        const left = Math.floor(random() * 50);
        const right = 1 + Math.floor(random() * 20);
        const key = `${left} ${right}`;
        if (random() < 0.4) {
          const slot = findPair(table, left, right);
          expect(slot >= 0).toBe(model.delete(key));
          if (slot >= 0) dropPair(table, slot);
        } else {
          const slot = putPair(table, left, right, 0);
          expect(table.strikes[slot]).toBe(model.get(key) ?? 0);
          table.until[slot] = Infinity;
          table.strikes[slot] = step;
          model.set(key, step);
        }
      }
      expect(table.size).toBe(model.size);
      for (const [key, value] of model) {
        const [left, right] = key.split(' ').map(Number);
        expect(table.strikes[findPair(table, left!, right!)]).toBe(value);
      }
    });
  }

  test('full, it forgets what has ended before what has not', () => {
    const forgotten: number[] = [];
    const table = createPairTable(64, (right) => forgotten.push(right));
    for (let right = 1; right <= 44; right += 1) {
      const slot = putPair(table, 7, right, 0);
      // Every fourth has ended by the time there is no room.
      table.until[slot] = right % 4 === 0 ? 50 : 1_000;
    }
    for (let right = 101; right <= 108; right += 1) table.until[putPair(table, 7, right, 100)] = 1_000;
    expect(forgotten).toHaveLength(8);
    expect(forgotten.every((right) => right % 4 === 0)).toBe(true);
  });

  test('with nothing ended it forgets one that was not used of late', () => {
    const forgotten: number[] = [];
    const table = createPairTable(64, (right) => forgotten.push(right));
    const put = (right: number) => (table.until[putPair(table, 7, right, 0)] = 1_000);
    for (let right = 1; right <= 44; right += 1) put(right);
    // The first one finds every entry marked as used and clears the marks on its way round.
    put(201);
    const kept = Array.from({ length: 44 }, (_, index) => index + 1).filter((right) => right % 2 === 0);
    for (let round = 0; round < 8; round += 1) {
      for (const right of kept) findPair(table, 7, right);
      put(301 + round);
    }
    expect(forgotten.slice(1).filter((right) => kept.includes(right))).toEqual([]);
    expect(table.size).toBeLessThanOrEqual(45);
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Target } from '../target.js';
import { WaitingLine, type Waiter } from './waiters.js';

const TARGETS = ['a.example', 'b.example', 'c.example'] as Target[];

/** Callers of a pool that has so many places: whoever is served takes one. */
class Bench {
  places = 0;
  readonly line: WaitingLine;
  readonly ended = new Map<number, 'served' | 'failed'>();
  readonly servedOrder: { readonly id: number; readonly target: Target }[] = [];
  readonly waiters = new Map<number, Waiter>();
  #next = 0;
  #refusals = 0;

  constructor(bound: number) {
    this.line = new WaitingLine(bound);
  }

  join(target: Target, deadline: number): boolean {
    const id = this.#next;
    this.#next += 1;
    const end = (how: 'served' | 'failed'): void => {
      expect(this.ended.has(id), 'a caller is answered once').toBe(false);
      this.ended.set(id, how);
    };
    const waiter: Waiter = {
      target,
      deadline,
      plain: true,
      terms: this,
      wakeAt: Number.POSITIVE_INFINITY,
      parked: false,
      attempt: () => {
        if (this.places === 0) {
          this.#refusals += 1;
          this.line.defer(waiter, Number.POSITIVE_INFINITY, this.#refusals % 3 === 0);
          return false;
        }
        this.places -= 1;
        this.servedOrder.push({ id, target });
        end('served');
        return true;
      },
      fail: () => end('failed'),
    };
    if (!this.line.join(waiter)) return false;
    this.waiters.set(id, waiter);
    return true;
  }

  waiting(): number[] {
    return [...this.waiters.keys()].filter((id) => !this.ended.has(id));
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('join'), target: fc.nat(2), amount: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ kind: fc.constant('free'), target: fc.constant(0), amount: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constantFrom('leave', 'expire', 'recheck'), target: fc.nat(2), amount: fc.nat(20) }),
);

test('whatever happens, everyone in line is answered once, in order, nobody beyond the bound, and no place stays empty', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 80 }), (bound, steps) => {
      const bench = new Bench(bound);
      let now = 0;
      for (const { kind, target, amount } of steps) {
        if (kind === 'join') {
          const before = bench.line.size;
          expect(bench.join(TARGETS[target]!, now + amount)).toBe(before < bound);
        } else if (kind === 'free') {
          bench.places += amount;
          bench.line.serve();
          expect(bench.places === 0 || bench.line.size === 0).toBe(true);
          // What nobody took is gone: the next to come find none.
          bench.places = 0;
        } else if (kind === 'leave') {
          const [id] = bench.waiting().slice(-1);
          if (id !== undefined) {
            bench.line.leave(bench.waiters.get(id)!);
            bench.ended.set(id, 'failed');
          }
        } else if (kind === 'expire') {
          now += amount;
          bench.line.expire(now, () => new Error('late'));
          for (const id of bench.waiting()) expect(bench.waiters.get(id)!.deadline).toBeGreaterThan(now);
        } else bench.line.recheck(TARGETS[target]!);
        expect(bench.line.size).toBe(bench.waiting().length);
        expect(bench.line.wanting).toBe(bench.waiting().filter((id) => !bench.waiters.get(id)!.parked).length);
        bench.line.findSoonest();
        const soonest = Math.min(...bench.waiting().map((id) => bench.waiters.get(id)!.deadline));
        expect(bench.line.soonest).toBe(soonest);
      }
      for (const target of TARGETS) {
        const served = bench.servedOrder.filter((caller) => caller.target === target).map(({ id }) => id);
        expect(served, 'callers of one target are served as they came').toEqual(served.toSorted((a, b) => a - b));
      }
      bench.line.failAll(() => new Error('closed'));
      expect([bench.line.size, bench.waiting()]).toEqual([0, []]);
    }),
  );
});

test('targets take turns, however many wait for one of them', () => {
  const bench = new Bench(100);
  for (let caller = 0; caller < 50; caller += 1) bench.join(TARGETS[0]!, 1e9);
  for (let caller = 0; caller < 3; caller += 1) bench.join(TARGETS[1]!, 1e9);
  bench.places = 6;
  bench.line.serve();
  expect(bench.servedOrder.filter(({ target }) => target === TARGETS[1])).toHaveLength(3);
});

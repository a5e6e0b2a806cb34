import { expect, test } from 'vitest';
import type { Fact } from './fact.js';
import { createKernel } from './kernel.js';
import { Standing } from './table.js';

const SERVED: Fact = { health: 'good', answer: 'served', block: false, connect: false, elapsedMs: 400, first: true };
const REFUSED: Fact = { ...SERVED, health: 'bad', answer: 'none', connect: true, elapsedMs: 50 };
const SPEC = { weight: 1, tier: 0, maxInFlight: Infinity, tags: 0 };

function proven() {
  const kernel = createKernel();
  const row = kernel.addRow(SPEC, 0);
  const target = kernel.internTarget('shop.example');
  const begin = (now = 0) => kernel.onAdmit(row, target, now);
  const end = (fact: Fact, now = 0) => kernel.onSettle(row, target, fact, now, () => 0.5);
  for (let time = 0; time < 40; time += 1) {
    begin();
    end(SERVED);
  }
  return { kernel, row, begin, end };
}

/** Carries as much as the limit allows, and `cap` at most, again and again; answers the share that was refused. */
function refusedShare(cap: number, rounds: number): number {
  const { kernel, row, begin, end } = proven();
  let refused = 0;
  let all = 0;
  for (let now = 0; now < rounds * 1_000; now += 1_000) {
    const limit = Math.floor(kernel.state.table.limit[row]!);
    for (let place = 0; place < limit; place += 1) begin(now);
    for (let place = limit; place > cap; place -= 1) end(REFUSED, now + 50);
    for (let place = Math.min(limit, cap); place > 0; place -= 1) end(SERVED, now + 400);
    all += limit;
    refused += Math.max(0, limit - cap);
  }
  return refused / all;
}

test('a cap is run into the less, the oftener it was met', () => {
  expect(refusedShare(3, 400)).toBeLessThan(0.03);
});

test('an endpoint without a cap takes more after a chance refusal', () => {
  const { kernel, row, begin, end } = proven();
  for (let place = 0; place < 4; place += 1) begin();
  end(REFUSED, 50);
  for (let place = 0; place < 3; place += 1) end(SERVED, 400);
  for (let now = 1_000; now < 60_000; now += 1_000) {
    const limit = Math.floor(kernel.state.table.limit[row]!);
    for (let place = 0; place < limit; place += 1) begin(now);
    for (let place = 0; place < limit; place += 1) end(SERVED, now + 400);
  }
  expect(kernel.state.table.limit[row]).toBeGreaterThan(8);
});

test('successes that had begun before the failures do not clear a sure endpoint that has died', () => {
  const { kernel, row, begin, end } = proven();
  for (let place = 0; place < 4; place += 1) begin();
  const standing = () => kernel.state.table.standing[row];
  // Two that were under way when it died still bring their answer; whoever comes after is refused.
  end(REFUSED, 100);
  end({ ...SERVED, elapsedMs: 150 }, 150);
  end(REFUSED, 200);
  end({ ...SERVED, elapsedMs: 250 }, 250);
  for (let now = 300; now < 400; now += 50) {
    begin(now);
    end(REFUSED, now + 10);
  }
  expect(standing()).toBe(Standing.cooling);
});

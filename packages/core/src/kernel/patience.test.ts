import { expect, test } from 'vitest';
import type { Fact } from './fact.js';
import { createKernel } from './kernel.js';

const SERVED: Fact = { health: 'good', answer: 'served', block: false, connect: false, elapsedMs: 400, first: true };
const SPEC = { weight: 1, tier: 0, maxInFlight: Infinity, tags: 0 };

/** Thirty slow endpoints and one that is quick and carries nearly everything. */
function mixedFleet() {
  const kernel = createKernel();
  const target = kernel.internTarget('shop.example');
  const serve = (row: number, elapsedMs: number): void => {
    kernel.onAdmit(row, target, 0);
    kernel.onSettle(row, target, { ...SERVED, elapsedMs }, 0, () => 0.5);
  };
  const quick = kernel.addRow(SPEC, 0);
  for (let slow = 0; slow < 30; slow += 1) serve(kernel.addRow(SPEC, 0), 1_500 + 20 * slow);
  for (let time = 0; time < 500; time += 1) serve(quick, 200);
  return { kernel, target, quick };
}

test('an untried endpoint is given the time that newcomers took, however quick the busiest one is', () => {
  const { kernel, target } = mixedFleet();
  const untried = kernel.addRow(SPEC, 0);
  expect(kernel.abandonAfterMs(untried, target, 8_000, () => 0.5)).toBeGreaterThan(2_000);
});

test('on a paced target an attempt has half as much time again: a pair that was given up must be waited for', () => {
  const { kernel, target, quick } = mixedFleet();
  kernel.state.table.latency[quick] = 1_000;
  const unpaced = kernel.abandonAfterMs(quick, target, 60_000, () => 0.5);
  kernel.setConfiguredPace(target, 500);
  expect(kernel.abandonAfterMs(quick, target, 60_000, () => 0.5)).toBeCloseTo(1.5 * unpaced);
});

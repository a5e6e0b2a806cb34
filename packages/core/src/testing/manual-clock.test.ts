import { expect, test } from 'vitest';
import { manualClock } from './manual-clock.js';
import { seededRandom } from './seeded-random.js';

test('what is due fires in order at its own instant, also when scheduled meanwhile', () => {
  const clock = manualClock(10);
  const fired: [string, number][] = [];
  clock.schedule(30, () => fired.push(['late', clock.now()]));
  clock.schedule(20, () => {
    fired.push(['early', clock.now()]);
    clock.schedule(25, () => fired.push(['between', clock.now()]));
  });
  clock.schedule(22, () => fired.push(['cancelled', clock.now()]))();
  clock.advance(50);
  expect(fired).toEqual([
    ['early', 20],
    ['between', 25],
    ['late', 30],
  ]);
  expect(clock.now()).toBe(60);
});

test('one seed, one sequence, spread over the unit interval', () => {
  const draw = (seed: number) => Array.from({ length: 1000 }, seededRandom(seed));
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const mean = draw(7).reduce((sum, value) => sum + value) / 1000;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
});

import { expect, test } from 'vitest';
import { EventQueue } from './event-queue.js';
import { seededRandom } from './random.js';

test('events come out by instant, and at one instant in the order they went in', () => {
  const random = seededRandom(1);
  const queue = new EventQueue();
  const expected: { at: number; order: number }[] = [];
  const seen: number[] = [];
  for (let order = 0; order < 5_000; order += 1) {
    const at = Math.floor(random() * 500);
    expected.push({ at, order });
    queue.schedule(at, (_now, argument) => seen.push(argument), order);
  }
  while (queue.step(1_000));
  expected.sort((a, b) => a.at - b.at || a.order - b.order);
  expect(seen).toEqual(expected.map(({ order }) => order));
});

test('a cancelled event never happens, and its ticket cancels nothing that came later', () => {
  const queue = new EventQueue();
  const seen: string[] = [];
  const first = queue.schedule(1, () => seen.push('first'), 0);
  queue.cancel(first);
  while (queue.step(2));
  queue.schedule(3, () => seen.push('second'), 0);
  queue.cancel(first);
  while (queue.step(4));
  expect(seen).toEqual(['second']);
});

test('what lies beyond the end does not happen', () => {
  const queue = new EventQueue();
  let happened = false;
  queue.schedule(11, () => (happened = true), 0);
  expect(queue.step(10)).toBe(false);
  expect(happened).toBe(false);
});

test('an event may schedule another at its own instant', () => {
  const queue = new EventQueue();
  const seen: number[] = [];
  queue.schedule(5, (now) => queue.schedule(now, (later) => seen.push(later), 0), 0);
  while (queue.step(5));
  expect(seen).toEqual([5]);
});

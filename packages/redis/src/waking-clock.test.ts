import { systemClock } from '@fairlead/core';
import { manualClock } from '@fairlead/core/testing';
import { expect, test } from 'vitest';
import { WakingClock } from './waking-clock.js';

/** A clock that stands still in sleep, and one beside it that goes on. */
function machine() {
  const clock = manualClock(1_000);
  let slept = 0;
  const waking = new WakingClock(() => clock.now() + slept + 50_000).follow(clock);
  let woken = 0;
  waking.onWake(() => (woken += 1));
  return { clock, waking, sleep: (ms: number) => (slept += ms), woken: () => woken };
}

test('time that was slept away has passed by the time that anything is done', () => {
  const { clock, waking, sleep, woken } = machine();
  const seen: number[] = [];
  waking.schedule(2_000, () => seen.push(waking.now()));
  sleep(60_000);
  clock.advance(1_000);
  expect(seen).toEqual([62_000]);
  expect(woken()).toBe(1);
  // What is due after that is due so much sooner by the clock that slept.
  waking.schedule(63_000, () => seen.push(waking.now()));
  clock.advance(1_000);
  expect(seen).toEqual([62_000, 63_000]);
  expect(woken()).toBe(1);
});

test('two clocks that differ by little have not slept', () => {
  const { clock, waking, sleep, woken } = machine();
  for (let turn = 1; turn <= 10; turn += 1) {
    waking.schedule(waking.now() + 500, () => undefined);
    sleep(turn % 2 === 0 ? 20 : -20);
    clock.advance(500);
  }
  expect(waking.now()).toBe(clock.now());
  expect(woken()).toBe(0);
});

test('a machine that tells its time up in whole seconds has not slept', () => {
  const clock = manualClock(1_000);
  const waking = new WakingClock(() => Math.floor((clock.now() + 300) / 1_000) * 1_000).follow(clock);
  let woken = 0;
  waking.onWake(() => (woken += 1));
  for (let turn = 0; turn < 200; turn += 1) {
    waking.schedule(waking.now() + 130, () => undefined);
    clock.advance(130);
  }
  expect([waking.now(), woken]).toEqual([clock.now(), 0]);
});

test('what cannot be told is no sleep', () => {
  const clock = manualClock(1_000);
  const waking = new WakingClock(() => Number.NaN).follow(clock);
  waking.schedule(2_000, () => undefined);
  clock.advance(1_000);
  expect(waking.now()).toBe(2_000);
});

test('of a clock of the caller nothing is known but what it says; that of the system is watched', () => {
  const clock = manualClock(1_000);
  const waking = new WakingClock(undefined).follow(clock);
  waking.schedule(2_000, () => undefined);
  clock.advance(1_000);
  expect(waking.now()).toBe(clock.now());
  expect(Math.abs(new WakingClock(undefined).follow(systemClock).now() - systemClock.now())).toBeLessThan(1_000);
});

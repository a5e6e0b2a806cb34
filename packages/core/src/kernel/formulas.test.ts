import { describe, expect, test } from 'vitest';
import { lateBlame, loadShare, sharedBlame, targetFailureRate } from './blame.js';
import { trialShare } from './choose.js';
import { cooldownLength, firstCooldown, isHopeless, isSurprising } from './cooldown.js';
import { bucketOf, BUCKETS } from './cost-buckets.js';
import { ETS_DEFAULTS as c } from './defaults.js';
import { expectedTime, fadeOver, successRate } from './estimate.js';
import { createFleet, noveltyRate, observeNovelty } from './fleet.js';
import { cutLimit, grownLimit } from './limit.js';
import { addSample, createHistogram, nearestRank, quantileOf } from './quantiles.js';

describe('estimate', () => {
  test('the rate starts at the prior and moves by what was seen', () => {
    expect(successRate(0, 0, 0.1, c)).toBeCloseTo(0.1);
    expect(successRate(8, 2, 0.5, c)).toBeCloseTo(9 / 12);
  });

  test('expected time is the latency plus the failures to expect', () => {
    expect(expectedTime(1_000, 0.5, 3_000)).toBe(4_000);
    expect(expectedTime(1_000, 1, 3_000)).toBe(1_000);
  });

  test('masses fade by elapsed time, as an exponential, to nought', () => {
    for (const elapsed of [0, 1, 500, 180_000, 1_000_000]) {
      expect(fadeOver(elapsed, 180_000)).toBeCloseTo(Math.exp(-elapsed / 180_000), 4);
    }
    expect(fadeOver(-5, 180_000)).toBe(1);
    expect(fadeOver(1e9, 180_000)).toBe(0);
  });

  test('what untried endpoints did sets what is presumed of the next, within bounds', () => {
    const fleet = createFleet(c);
    expect(noveltyRate(fleet, 0, c)).toBe(0.5);
    for (let trial = 0; trial < 18; trial += 1) observeNovelty(fleet, 1, 0, c);
    expect(noveltyRate(fleet, 0, c)).toBeCloseTo(1 / 20);
    for (let trial = 0; trial < 200; trial += 1) observeNovelty(fleet, 1, 0, c);
    expect(noveltyRate(fleet, 0, c)).toBe(0.02);
    // Ten minutes later a third of the evidence is left; hours later none.
    expect(noveltyRate(fleet, 36_000_000, c)).toBeCloseTo(0.5);
  });
});

describe('blame', () => {
  test('is shared by noisy-or: one cause that always fails takes nearly all', () => {
    expect(sharedBlame(0.1, 0.1)).toBeCloseTo(0.1 / 0.19);
    expect(sharedBlame(1, 0.02)).toBe(1);
    expect(sharedBlame(0.05, 0.9)).toBeCloseTo(0.05 / (0.95 - 0.045));
  });

  test("a target's share rests on its own counters and a prior", () => {
    expect(targetFailureRate(0, 0, c)).toBeCloseTo(0.03);
    expect(targetFailureRate(0, 10, c)).toBeCloseTo(10.3 / 20);
  });

  test('a connect fault of a good endpoint at its limit is mostly load, of a bad one hardly', () => {
    expect(loadShare(0.95, true, 0, c)).toBeCloseTo(0.15 / 0.2);
    expect(loadShare(0.95, false, 0, c)).toBeCloseTo(0.015 / 0.065);
    expect(loadShare(0.2, false, 0, c)).toBeLessThan(0.02);
  });

  test('a silence that one answer in twenty outlasts is death where the endpoint is bad, and may be chance where it is good', () => {
    expect(lateBlame(0.95, 0.5, 0.05)).toBeCloseTo(0.025 / 0.0725);
    expect(lateBlame(0.1, 0.5, 0.05)).toBeGreaterThan(0.95);
    expect(lateBlame(0.1, 0, 0.05)).toBe(0);
  });

  test('the third failure in a row is hardly load any more', () => {
    expect(loadShare(0.95, true, 1, c)).toBeCloseTo(0.0375 / 0.0875);
    expect(loadShare(0.95, true, 2, c)).toBeLessThan(0.16);
  });
});

describe('cooldown', () => {
  const failuresToCool = (rate: number) => {
    let failures = 1;
    while (!isSurprising(rate, failures, c)) failures += 1;
    return failures;
  };

  test('comes by surprise: three failures at .95, ten at .5', () => {
    expect(failuresToCool(0.95)).toBe(3);
    expect(failuresToCool(0.5)).toBe(10);
  });

  test('comes without surprise when little is left and enough is known', () => {
    expect(isHopeless(0.14, 5, c)).toBe(true);
    expect(isHopeless(0.14, 4, c)).toBe(false);
    expect(isHopeless(0.16, 50, c)).toBe(false);
  });

  test('lasts 8 s for the proven, and the longer for the untried, the rarer good ones are', () => {
    expect(firstCooldown(true, 0.1, c)).toBe(8_000);
    expect(firstCooldown(false, 0.1, c)).toBeCloseTo(72_000);
    expect(firstCooldown(false, 0.9, c)).toBe(8_000);
    expect(firstCooldown(false, 0.02, c)).toBe(120_000);
  });

  test('doubles, is spread by a quarter, and ends at 120 s', () => {
    expect(cooldownLength(8_000, 1, 0.5, c)).toBe(8_000);
    expect(cooldownLength(8_000, 3, 0.5, c)).toBe(32_000);
    expect(cooldownLength(8_000, 1, 0, c)).toBe(6_000);
    expect(cooldownLength(8_000, 1, 1, c)).toBe(10_000);
    expect(cooldownLength(8_000, 12, 1, c)).toBe(120_000);
  });
});

describe('limit', () => {
  test('grows by one for each limit of successes, up to the most', () => {
    let limit = 4;
    for (let success = 0; success < 4; success += 1) limit = grownLimit(limit, 1, c);
    expect(limit).toBeCloseTo(4.93, 1);
    expect(grownLimit(64, 1, c)).toBe(64);
    expect(grownLimit(4, 0.5, c)).toBe(4.125);
  });

  test('falls towards three quarters of what was out, by the share that was load', () => {
    expect(cutLimit(8, 7, 1, c)).toBe(6);
    expect(cutLimit(8, 3, 1, c)).toBe(3);
    expect(cutLimit(8, 7, 0.5, c)).toBe(7);
    expect(cutLimit(1, 0, 1, c)).toBe(1);
  });
});

describe('quantiles', () => {
  const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

  test('p95 is the nearest rank at n = 1, 10, 20, 100', () => {
    expect([1, 10, 20, 100].map((n) => nearestRank(upTo(n), 0.95))).toEqual([1, 10, 19, 95]);
    expect([1, 10, 20, 100].map((n) => nearestRank(upTo(n), 0.5))).toEqual([1, 5, 10, 50]);
    expect(nearestRank([], 0.95)).toBeNaN();
  });

  test('the histogram is within 4 % of the nearest rank, from a millisecond to an hour', () => {
    for (const scale of [0.05, 1, 40, 3_600]) {
      for (const n of [1, 10, 20, 100, 5_000]) {
        const histogram = createHistogram();
        const samples = upTo(n).map((k) => scale * (1 + 1_000 * (k / n) ** 3));
        for (const sample of samples) addSample(histogram, sample);
        for (const q of [0.01, 0.5, 0.8, 0.95, 0.99, 1]) {
          const exact = nearestRank(samples, q);
          expect(Math.abs(quantileOf(histogram, q) / exact - 1)).toBeLessThan(0.04);
        }
      }
    }
  });

  test('the histogram follows a fleet that changes', () => {
    const histogram = createHistogram();
    for (let sample = 0; sample < 100_000; sample += 1) addSample(histogram, 100);
    for (let sample = 0; sample < 100_000; sample += 1) addSample(histogram, 1_000);
    expect(quantileOf(histogram, 0.05)).toBeGreaterThan(900);
    expect(histogram.total).toBeLessThan(10_000);
  });

  test('what is no number of time does not break it', () => {
    const histogram = createHistogram();
    for (const odd of [0, -5, Number.NaN, Infinity, 1e30]) addSample(histogram, odd);
    expect(histogram.total).toBe(5);
    expect(quantileOf(histogram, 0.5)).toBeGreaterThanOrEqual(0);
  });
});

describe('cost buckets', () => {
  test('are half octaves from 60 ms, in order, the last one open', () => {
    for (let bucket = 0; bucket < BUCKETS - 1; bucket += 1) {
      expect(bucketOf(60 * 2 ** ((bucket + 0.01) / 2))).toBe(bucket);
      expect(bucketOf(60 * 2 ** ((bucket + 0.99) / 2))).toBe(bucket);
    }
    expect(bucketOf(1)).toBe(0);
    expect(bucketOf(1e9)).toBe(BUCKETS - 1);
    expect(bucketOf(Infinity)).toBe(BUCKETS - 1);
  });
});

test('trials get 30 % of first attempts without known endpoints, and 3 % with room for six times the demand', () => {
  expect(trialShare(0, 100, c)).toBe(0.3);
  expect(trialShare(300, 100, c)).toBeCloseTo(0.15);
  expect(trialShare(600, 100, c)).toBe(0.03);
  expect(trialShare(0, 0, c)).toBe(0.3);
});

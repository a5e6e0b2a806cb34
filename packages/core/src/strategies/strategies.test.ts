import { describe, expect, test } from 'vitest';
import { createCandidates, createKernel, createQuery, type Fact, type Kernel, type RowSpec } from '../kernel/index.js';
import type { RankQuery, Strategy } from '../kernel/index.js';
import { affinityScore } from './affinity-score.js';
import { best } from './best.js';
import { fifo } from './fifo.js';
import { leastUsed } from './least-used.js';
import { p2c } from './p2c.js';
import { priority } from './priority.js';
import { productScore } from './product-score.js';
import { raceWidth } from './race-width.js';
import { random } from './random.js';
import { roundRobin } from './round-robin.js';
import { betaDraw, thompson } from './thompson.js';
import { cheapestStart, tiers } from './tiers.js';

const GOOD: Fact = { health: 'good', answer: 'served', block: false, connect: false, elapsedMs: 500, first: true };
const BAD: Fact = { ...GOOD, health: 'bad', answer: 'none', connect: true };

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A pool of one strategy in which cooldowns are out of the way: what is tested is the choice alone. */
class Bench {
  readonly kernel: Kernel;
  readonly query: RankQuery;
  readonly target: number;
  now = 0;
  readonly #candidates = createCandidates();

  constructor(strategy: Strategy, specs: readonly Partial<RowSpec>[], seed = 1) {
    const cooldown = { kind: 'streak', failures: 1e6, baseMs: 1, maxMs: 1, growth: 1 } as const;
    this.kernel = createKernel({ strategy, cooldown, constants: { limitStart: 64 } });
    this.query = createQuery(seeded(seed));
    this.target = this.kernel.internTarget('shop.example');
    for (const spec of specs) this.#join(spec);
  }

  /** The row chosen next, -1 for none. */
  next(): number {
    this.query.target = this.target;
    this.query.now = this.now;
    return this.kernel.rank(this.query, this.#candidates) === 0 ? -1 : this.#candidates.rows[0]!;
  }

  take(row = this.next()): number {
    this.kernel.onAdmit(row, this.target, this.now);
    return row;
  }

  settle(row: number, fact: Fact = GOOD): void {
    this.kernel.onSettle(row, this.target, fact, this.now, this.query.random);
  }

  /** Attempts one after another, each settled at once. */
  picks(count: number, fact: (row: number) => Fact = () => GOOD): number[] {
    return Array.from({ length: count }, () => {
      const row = this.take();
      this.settle(row, fact(row));
      return row;
    });
  }

  shares(count: number, fact?: (row: number) => Fact): number[] {
    const counts = Array.from({ length: this.kernel.state.table.size }, () => 0);
    for (const row of this.picks(count, fact)) counts[row]! += 1 / count;
    return counts;
  }

  /** Adds an endpoint that has proved itself once, so that it may carry more than a trial's one. */
  #join(spec: Partial<RowSpec>): void {
    const row = this.kernel.addRow({ weight: 1, tier: 0, maxInFlight: Infinity, tags: 0, ...spec }, 0);
    const { table } = this.kernel.state;
    const { strategy } = this.kernel;
    this.kernel.onAdmit(row, this.target, 0);
    this.kernel.onSettle(row, this.target, GOOD, 0, this.query.random);
    strategy.cleared?.(row);
    expect(table.standing[row]).toBe(2);
  }
}

const three = [{}, {}, {}];

describe('roundRobin', () => {
  test('weights 5:1:1 are served smoothly: a a b a c a a', () => {
    expect(new Bench(roundRobin(), [{ weight: 5 }, { weight: 1 }, { weight: 1 }]).picks(7)).toEqual([
      0, 0, 1, 0, 2, 0, 0,
    ]);
  });

  test('equal weights go round in order', () => {
    expect(new Bench(roundRobin(), three).picks(6)).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test('a weight of a billion beside 1 is served without a list of that length', () => {
    expect(new Bench(roundRobin(), [{ weight: 1e9 }, {}]).picks(50).filter((row) => row === 0)).toHaveLength(50);
  });

  test('a row that leaves and comes back brings no credit along', () => {
    const bench = new Bench(roundRobin(), three);
    bench.picks(1);
    bench.kernel.retireRow(1, 0);
    bench.kernel.vacateRow(1);
    expect(bench.kernel.addRow({ weight: 1, tier: 0, maxInFlight: 8, tags: 0 }, 0)).toBe(1);
    expect(bench.next()).toBe(2);
  });

  test('more rows than the first capacity are all served', () => {
    const bench = new Bench(
      roundRobin(),
      Array.from({ length: 200 }, () => ({})),
    );
    expect(new Set(bench.picks(200)).size).toBe(200);
  });
});

test('random draws in proportion to weight, and a weight of nought never', () => {
  const [a, b, c] = new Bench(random(), [{ weight: 3 }, { weight: 1 }, { weight: 0 }]).shares(8_000);
  expect(a).toBeCloseTo(0.75, 1);
  expect(b).toBeCloseTo(0.25, 1);
  expect(c).toBe(0);
});

test('leastUsed counts live leases first, then uses in all', () => {
  const bench = new Bench(leastUsed(), three);
  expect([bench.take(), bench.take(), bench.take()]).toEqual([0, 1, 2]);
  bench.settle(1);
  expect(bench.take()).toBe(1);
  for (const row of [0, 1, 2]) bench.settle(row);
  // All idle; row 1 was used twice.
  expect([bench.take(), bench.take(), bench.take()]).toEqual([0, 2, 1]);
});

describe('best', () => {
  const handshake = (handshakeMs: number): Fact => ({ ...GOOD, handshakeMs, elapsedMs: 9_000 });

  test('is the least of handshake latency plus 50 ms a lease; unknown counts 50', () => {
    const bench = new Bench(best(), three);
    bench.settle(bench.take(0), handshake(20));
    bench.settle(bench.take(1), handshake(100));
    // 20, 100, 50; then 70, 100, 50; then 70, 100, 100.
    expect([bench.take(), bench.take(), bench.take()]).toEqual([0, 2, 0]);
  });

  test('moves a quarter of the way to each handshake', () => {
    const bench = new Bench(best(), [{}, {}]);
    bench.settle(bench.take(0), handshake(20));
    bench.settle(bench.take(0), handshake(180));
    // 20 + (180 - 20)/4 = 60, more than an unknown 50.
    expect(bench.next()).toBe(1);
    bench.settle(bench.take(1), handshake(61));
    expect(bench.next()).toBe(0);
  });

  test('a quick refusal to connect is no latency', () => {
    const bench = new Bench(best(), [{}, {}]);
    bench.settle(bench.take(0), handshake(40));
    bench.settle(bench.take(1), { ...BAD, handshakeMs: 1 });
    expect(bench.next()).toBe(0);
  });
});

test('priority uses the lowest tier that is up, and goes back to it', () => {
  const bench = new Bench(priority(), [{ tier: 1 }, { tier: 0 }, { tier: 0 }, { tier: 1 }]);
  expect(new Set(bench.picks(6))).toEqual(new Set([1, 2]));
  bench.kernel.hold(1, 0);
  bench.kernel.hold(2, 0);
  expect(new Set(bench.picks(6))).toEqual(new Set([0, 3]));
  bench.kernel.resume(2, 0);
  expect(new Set(bench.picks(6))).toEqual(new Set([2]));
});

test('fifo takes the endpoint idle longest, one attempt on each', () => {
  const bench = new Bench(fifo(), three);
  expect([bench.take(), bench.take(), bench.take(), bench.next()]).toEqual([0, 1, 2, -1]);
  for (const row of [2, 0, 1]) {
    bench.now += 1;
    bench.settle(row);
  }
  expect([bench.take(), bench.take(), bench.take()]).toEqual([2, 0, 1]);
});

describe('productScore', () => {
  test('draws in proportion to success, latency, load and penalty', () => {
    const bench = new Bench(productScore(), [{}, {}]);
    const takes = (elapsedMs: number) => ({ ...GOOD, elapsedMs });
    for (let round = 0; round < 20; round += 1) {
      bench.settle(bench.take(0), takes(1_000));
      bench.settle(bench.take(1), takes(3_000));
    }
    // 1.5/1 against 1.5/3: three to one.
    expect(bench.shares(8_000, (row) => takes(row === 0 ? 1_000 : 3_000))[0]).toBeCloseTo(0.75, 1);
  });

  test('a hard failure halves the score for a minute', () => {
    const bench = new Bench(productScore(), [{}, {}]);
    for (let round = 0; round < 20; round += 1) for (const row of [0, 1]) bench.settle(bench.take(row));
    bench.settle(bench.take(0), BAD);
    const share = () => Array.from({ length: 8_000 }, () => bench.next()).filter((row) => row === 0).length / 8_000;
    // .95 of its successes, halved: .475 to 1.
    expect(share()).toBeCloseTo(0.475 / 1.475, 1);
    bench.now = 60_001;
    expect(share()).toBeCloseTo(0.95 / 1.95, 1);
  });

  test('cold endpoints get one choice in five, and all while nothing is known', () => {
    const bench = new Bench(
      productScore(),
      Array.from({ length: 40 }, () => ({})),
    );
    expect(new Set(bench.picks(40)).size).toBe(40);
    for (let round = 0; round < 5; round += 1) bench.settle(bench.take(0), { ...GOOD, elapsedMs: 9_000 });
    // Known and slow as it is, it keeps what the cold ones are not due.
    const chosen = Array.from({ length: 50 }, () => bench.next());
    expect(chosen.filter((row) => row !== 0)).toHaveLength(10);
  });
});

describe('affinityScore', () => {
  test('prefers the endpoint that does well on this very target', () => {
    const bench = new Bench(affinityScore(), [{}, {}]);
    const other = bench.kernel.internTarget('other.example');
    for (let round = 0; round < 60; round += 1) {
      bench.settle(bench.take(0), BAD);
      bench.settle(bench.take(1));
      bench.kernel.onAdmit(0, other, 0);
      bench.kernel.onSettle(0, other, GOOD, 0, () => 0.5);
      bench.kernel.onAdmit(1, other, 0);
      bench.kernel.onSettle(1, other, BAD, 0, () => 0.5);
    }
    expect(new Set(Array.from({ length: 50 }, () => bench.next()))).toEqual(new Set([1]));
    bench.query.target = other;
    const candidates = createCandidates();
    bench.kernel.rank(bench.query, candidates);
    expect(candidates.rows[0]).toBe(0);
  });

  test('recency outweighs chance once it is minutes old', () => {
    const bench = new Bench(affinityScore(), [{}, {}]);
    bench.settle(bench.take(0));
    bench.now = 3_600_000;
    bench.settle(bench.take(1));
    expect(new Set(Array.from({ length: 50 }, () => bench.next()))).toEqual(new Set([1]));
  });
});

describe('thompson', () => {
  test('its draws have the mean and the spread of the Beta they are drawn from', () => {
    const chance = seeded(5);
    const draws = Array.from({ length: 20_000 }, () => betaDraw(4, 2, chance));
    const mean = draws.reduce((sum, one) => sum + one, 0) / draws.length;
    const variance = draws.reduce((sum, one) => sum + (one - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(4 / 6, 2);
    expect(variance).toBeCloseTo((4 * 2) / (36 * 7), 3);
  });

  test('settles on the endpoint that succeeds', () => {
    const bench = new Bench(thompson(), three);
    expect(bench.shares(600, (row) => (row === 2 ? GOOD : BAD))[2]).toBeGreaterThan(0.9);
  });
});

describe('p2c', () => {
  test('avoids the slower of two, however it was drawn', () => {
    const bench = new Bench(p2c(), [{}, {}]);
    bench.settle(bench.take(0), { ...GOOD, elapsedMs: 4_000 });
    bench.settle(bench.take(1), { ...GOOD, elapsedMs: 400 });
    const chosen = Array.from({ length: 400 }, () => bench.next());
    // Both draws fall on the slow one in a quarter of the cases.
    expect(chosen.filter((row) => row === 0).length / 400).toBeCloseTo(0.25, 1);
  });

  test('counts load: three leases make the faster one dearer', () => {
    const bench = new Bench(p2c(), [{}, {}]);
    bench.settle(bench.take(0), { ...GOOD, elapsedMs: 1_000 });
    bench.settle(bench.take(1), { ...GOOD, elapsedMs: 400 });
    for (let lease = 0; lease < 3; lease += 1) bench.take(1);
    const chosen = Array.from({ length: 400 }, () => bench.next());
    expect(chosen.filter((row) => row === 0).length / 400).toBeCloseTo(0.75, 1);
  });
});

test('a race is as wide as one success in ten tries to miss needs', () => {
  // ceil(ln .1 / ln(1 - p)): .9 → 1, .7 → 2, .5 → 4, .3 → 7.
  expect([0.9, 0.7, 0.5, 0.3].map((rate) => raceWidth(rate, 1_000, 20))).toEqual([1, 2, 4, 7]);
  expect(raceWidth(0.3, 1_000, 5)).toBe(5);
  expect(raceWidth(0, 1_000, 8)).toBe(8);
  expect(raceWidth(0.9, 3, 5)).toBe(2);
});

describe('tiers', () => {
  const priceOf = (tier: number) => 5 ** tier;
  const record = (...rates: number[]) => ({
    success: Float64Array.from(rates, (rate) => 1_000 * rate),
    failure: Float64Array.from(rates, (rate) => 1_000 * (1 - rate)),
    touched: 0,
  });

  test('a request starts where a success costs least, escalations included', () => {
    const rows = [1, 1, 1];
    expect(cheapestStart(rows, record(0.9, 0.95, 0.99), 0, priceOf)).toBe(0);
    // .1 + 5/.95 against 5 / .95: even one success in ten pays at a fifth of the price; none does not.
    expect(cheapestStart(rows, record(0.25, 0.95, 0.99), 0, priceOf)).toBe(0);
    expect(cheapestStart(rows, record(0, 0.95, 0.99), 0, priceOf)).toBe(1);
    expect(cheapestStart(rows, record(0, 0.01, 0.99), 0, priceOf)).toBe(2);
    expect(cheapestStart([0, 1, 1], record(0, 0.95, 0.99), 0, priceOf)).toBe(1);
  });

  const fleet = [0, 1, 2].flatMap((tier) => Array.from({ length: 4 }, () => ({ tier })));

  /** Requests of up to four attempts; answers dear attempts over all and wasted ones per request. */
  function run(rates: readonly number[], requests: number) {
    const bench = new Bench(tiers({ within: random() }), fleet);
    const chance = seeded(3);
    const total = { dear: 0, attempts: 0, wasted: 0 };
    for (let request = 0; request < requests; request += 1) {
      bench.query.triedCount = bench.query.failures = 0;
      bench.query.first = true;
      for (let attempt = 0; attempt < 4; attempt += 1) {
        const row = bench.take();
        const tier = bench.kernel.state.table.tier[row]!;
        const good = chance() < rates[tier]!;
        bench.now += 100;
        bench.settle(row, good ? GOOD : BAD);
        total.attempts += 1;
        if (tier > 0) total.dear += 1;
        if (good) break;
        total.wasted += 1;
        bench.query.first = false;
        bench.query.tried[bench.query.triedCount++] = row;
        bench.query.failures += 1;
      }
    }
    return { dearShare: total.dear / total.attempts, wasted: total.wasted / requests };
  }

  test('at success 90/95/99 % at most 12 % of the attempts are dear', () => {
    expect(run([0.9, 0.95, 0.99], 4_000).dearShare).toBeLessThan(0.12);
  });

  test('where only the dearest works, at most .2 attempts a request are wasted', () => {
    expect(run([0, 0, 0.99], 4_000).wasted).toBeLessThan(0.2);
  });

  test('a hedge beside a live attempt goes to no dearer tier', () => {
    const bench = new Bench(tiers({ within: roundRobin() }), fleet);
    bench.query.tried[0] = bench.take();
    bench.query.triedCount = 1;
    bench.query.first = false;
    expect(bench.kernel.state.table.tier[bench.next()]).toBe(0);
    bench.query.failures = 1;
    expect(bench.kernel.state.table.tier[bench.next()]).toBe(1);
  });

  test('an endpoint that the request would not have is none that failed it', () => {
    const bench = new Bench(tiers({ within: roundRobin() }), fleet);
    bench.query.tried.set([0, 8]);
    bench.query.triedCount = 2;
    bench.query.unwanted = 1;
    bench.query.failures = 1;
    bench.query.first = false;
    expect(bench.kernel.state.table.tier[bench.next()]).toBe(1);
  });

  test('a pool of one tier is left to the inner strategy', () => {
    expect(new Bench(tiers({ within: roundRobin() }), three).picks(4)).toEqual([0, 1, 2, 0]);
  });
});

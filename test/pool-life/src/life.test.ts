import { expect, test } from 'vitest';
import { live } from './life.js';

const ONE = process.env['LIFE_SEED'];
const SEEDS = Number(process.env['LIFE_SEEDS'] ?? 2000);
const EVENTS = Number(process.env['LIFE_EVENTS'] ?? 500);

/** Each must have happened often enough to have been tested at all. */
const OFTEN = [
  'cooldown',
  'probation',
  'suspension',
  'hedge',
  'race',
  'reroute',
  'replay',
  'idle expiry',
  'pin break',
  'spent',
  'session spent',
  'windowed lease',
];

test('seeded lives break no promise, and all that matters happens in them', { timeout: 300_000 }, async () => {
  const totals: Record<string, number> = {};
  const begun = performance.now();
  const seeds = ONE === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(ONE)];
  for (const seed of seeds) {
    const { counts } = await live(seed, EVENTS);
    for (const [what, count] of Object.entries(counts)) totals[what] = (totals[what] ?? 0) + count;
  }
  // Told and not asserted: what the machine does besides is none of the pool's.
  const took = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${seeds.length} lives of ${EVENTS} events and more took ${took} s`);
  if (seeds.length < 2000) return;
  for (const what of OFTEN) expect(totals[what] ?? 0, what).toBeGreaterThanOrEqual(1000);
});

test('one seed, one life', async () => {
  for (const seed of [1, 77, 4242]) {
    const [once, again] = [await live(seed, EVENTS), await live(seed, EVENTS)];
    expect(again.digest).toBe(once.digest);
    expect(once.digest.length).toBeGreaterThan(100);
  }
});

import { describe, expect, test } from 'vitest';
import { run } from '../experiment.js';
import { dearestOnly, tiers } from './proving.js';

const brief = { ...tiers, durationMs: 60_000 };

describe('tiers', () => {
  test("Crawlee's rule sends more than two fifths of its attempts to the dearer tiers", async () => {
    const tally = await run(brief, 'crawlee-tiers', 3, 'rotate');
    const [cheap = 0] = tally.attemptsByTier;
    expect(1 - cheap / tally.attempts).toBeGreaterThan(0.4);
  });

  test('where only the dearest works, every success went through it', async () => {
    const tally = await run({ ...dearestOnly, durationMs: 60_000 }, 'crawlee-tiers', 3, 'rotate');
    expect(tally.attemptsByTier[2]! / tally.successes).toBeGreaterThan(0.95);
  });
});

import { expect, test } from 'vitest';
import { live } from './lives.js';

const LIVES = Number(process.env['SHARED_LIVES'] ?? 2_000);

test(`${LIVES} lives of four workers keep every promise of a shared store`, async () => {
  const { first, fewestEvents, wipes, freezes, lostReplies } = await live(1, LIVES);
  expect(first).toEqual([]);
  expect(fewestEvents).toBeGreaterThanOrEqual(500);
  expect(Math.min(wipes, freezes, lostReplies)).toBeGreaterThanOrEqual(LIVES / 2);
}, 3_600_000);

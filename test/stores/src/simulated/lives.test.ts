import { expect, test } from 'vitest';
import { World, type Life } from './world.js';

const LIVES = Number(process.env['SHARED_LIVES'] ?? 300);
const FIRST = Number(process.env['SHARED_FIRST'] ?? 1);

test(`${LIVES} lives of four workers keep every promise of a shared store`, async () => {
  const lives: Life[] = [];
  for (let seed = FIRST; seed < FIRST + LIVES; seed += 1) lives.push(await new World(seed).live());
  const broken = lives.filter((life) => life.broken.length > 0);
  expect(broken.slice(0, 5).map(({ seed, broken: what }) => ({ seed, what }))).toEqual([]);
  expect(Math.min(...lives.map(({ events }) => events))).toBeGreaterThanOrEqual(500);
  const sum = (read: (life: Life) => number): number => lives.reduce((total, life) => total + read(life), 0);
  const happened = {
    wipes: sum(({ wipes }) => wipes),
    freezes: sum(({ freezes }) => freezes),
    lostReplies: sum(({ lostReplies }) => lostReplies),
  };
  for (const count of Object.values(happened)) expect(count).toBeGreaterThan(LIVES / 2);
  if (process.env['SHARED_TELL'] !== undefined) {
    const more = {
      events: sum(({ events }) => events),
      grants: sum(({ grants }) => grants),
      crashes: sum(({ crashes }) => crashes),
      outages: sum(({ outages }) => outages),
    };
    process.stdout.write(`${JSON.stringify({ lives: LIVES, ...more, ...happened })}\n`);
  }
}, 3_600_000);

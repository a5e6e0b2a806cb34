// `npm run bench:warm-start -- --json`: what the first minute after a restart loses, with and without what the file store kept.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolOptions } from '@fairlead/core';
import { fileStore } from '@fairlead/core/file';
import { EXTRA_SCENARIOS, poolOptions, PoolMatch, SCENARIOS, World, type WorldPlan } from '@fairlead/sim';

const LEARN_MS = 120_000;
const MINUTE_MS = 60_000;
/** Requests are given up long before. */
const DRAIN_MS = 120_000;
const BAR = 0.02;
const SEEDS = numberOf('seeds', 12);
const FIRST = numberOf('first', 20_001);
const WORLDS = ['warm-restart', 'resi-open', 'tiny'];

/** How the second minute's pool came to be: the one from before, a new one with its state, or a new one without. */
type Restart = 'none' | 'warm' | 'cold';

const scratch = mkdtempSync(join(tmpdir(), 'fairlead-warm-start-'));
try {
  const worlds: Record<string, { warmLoss: number; coldLoss: number }> = {};
  for (const name of WORLDS) {
    const plan = [...SCENARIOS, ...EXTRA_SCENARIOS].find((known) => known.name === name)!;
    worlds[name] = await compared({ ...plan, durationMs: LEARN_MS + DRAIN_MS + MINUTE_MS });
    process.stderr.write(`${name} ${JSON.stringify(worlds[name])}\n`);
  }
  const warmLoss = Math.max(...Object.values(worlds).map((world) => world.warmLoss));
  const report = { seeds: SEEDS, warmLoss, worlds };
  process.stdout.write(`${JSON.stringify(report, undefined, process.argv.includes('--json') ? 0 : 2)}\n`);
  process.exitCode = warmLoss < BAR ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Shares of the goodput that a pool which was never stopped has in the same minute. */
async function compared(plan: WorldPlan): Promise<{ warmLoss: number; coldLoss: number }> {
  const sums: Record<Restart, number> = { none: 0, warm: 0, cold: 0 };
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    for (const restart of ['none', 'warm', 'cold'] as const) sums[restart] += await minuteAfter(plan, seed, restart);
  }
  const loss = (restart: Restart): number => Math.round((1 - sums[restart] / sums.none) * 10_000) / 10_000;
  return { warmLoss: loss('warm'), coldLoss: loss('cold') };
}

/** Successes in the minute after all callers, and the pool or not, have begun anew in one world. */
async function minuteAfter(plan: WorldPlan, seed: number, restart: Restart): Promise<number> {
  const dir = mkdtempSync(join(scratch, 'state-'));
  const options = (keeps: boolean): PoolOptions => ({
    ...poolOptions('rotate'),
    ...(keeps ? { store: fileStore({ dir }) } : {}),
  });
  const world = new World(plan, seed);
  const before = new PoolMatch(world, seed, options(restart === 'warm'));
  await before.pool.ready();
  await before.play([], LEARN_MS);
  await before.drain();
  const { queue, pool } = before;
  if (restart !== 'none') await pool.close();
  const given = restart === 'none' ? { queue, pool } : { queue };
  const after = new PoolMatch(world, seed + 1_000_000, options(restart === 'warm'), given);
  await after.pool.ready();
  const { successes } = await after.play([], queue.now + MINUTE_MS);
  await after.drain();
  await after.pool.close();
  return successes;
}

function numberOf(name: string, usual: number): number {
  return Number(process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? usual);
}

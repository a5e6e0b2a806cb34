import type { Player } from './player.js';
import type { Random } from './random.js';
import { best } from './rivals/best.js';
import { crawleeSessions } from './rivals/crawlee-sessions.js';
import { crawleeTiers } from './rivals/crawlee-tiers.js';
import { gated } from './rivals/gate.js';
import { p2c } from './rivals/p2c.js';
import { withPatience } from './rivals/patience.js';
import { product } from './rivals/product.js';
import { race } from './rivals/race.js';
import { roundRobin } from './rivals/round-robin.js';
import { thompson } from './rivals/thompson.js';
import { uniform } from './rivals/uniform.js';
import type { World } from './worlds/world.js';

/** What a policy may know at the start: how many endpoints and targets there are, and what they cost. */
type MakePlayer = (world: World, random: Random) => Player;

const PUBLISHED: Readonly<Record<string, MakePlayer>> = {
  uniform: (world, random) => uniform(world.fleet.size, random),
  'round-robin': (world) => roundRobin(world.fleet.size),
  'crawlee-sessions': (world, random) => crawleeSessions(world.fleet.size, random),
  'crawlee-tiers': (world) => crawleeTiers(world.fleet.tier),
  best: (world) => best(world.fleet.size),
  'race-3': (world, random) => race(world.fleet.size, world.plan.targets, random, 3),
  'race-adaptive': (world, random) => race(world.fleet.size, world.plan.targets, random, 'adaptive'),
  product: (world, random) => product(world.fleet.size, random),
  'product+gate': (world, random) => gated(product(world.fleet.size, random), world.plan.targets),
  thompson: (world, random) => thompson(world.fleet.size, random),
  p2c: (world, random) => p2c(world.fleet.size, random),
};

const ABANDON = '+abandon';

/** Every rival as published, and once more giving attempts up as early as ours. */
export const RIVALS: readonly string[] = Object.keys(PUBLISHED).flatMap((name) => [name, name + ABANDON]);

export function makeRival(name: string, world: World, random: Random): Player | undefined {
  const patient = name.endsWith(ABANDON);
  const make = PUBLISHED[patient ? name.slice(0, -ABANDON.length) : name];
  const player = make?.(world, random);
  return player !== undefined && patient ? withPatience(player, world.fleet.size, random) : player;
}

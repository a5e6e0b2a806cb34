import { World, type Life } from './world.js';

/** What many lives came to. */
export interface Lives {
  readonly lives: number;
  readonly events: number;
  readonly fewestEvents: number;
  readonly grants: number;
  readonly wipes: number;
  readonly freezes: number;
  readonly lostReplies: number;
  readonly crashes: number;
  readonly outages: number;
  /** How many broke a promise, and the first of them in words. */
  readonly broken: number;
  readonly first: readonly Pick<Life, 'seed' | 'broken'>[];
}

const SHOWN = 5;
/** Between lives the process may do whatever else it has to. */
const TURN = 20;

/** Lives with seeds from `first` on; `told` hears how many are over. */
export async function live(first: number, count: number, told?: (over: number) => void): Promise<Lives> {
  const sums = { events: 0, grants: 0, wipes: 0, freezes: 0, lostReplies: 0, crashes: 0, outages: 0 };
  let fewestEvents = Number.POSITIVE_INFINITY;
  let brokenLives = 0;
  const shown: Pick<Life, 'seed' | 'broken'>[] = [];
  for (let over = 0; over < count; over += 1) {
    const life = await new World(first + over).live();
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += life[name];
    fewestEvents = Math.min(fewestEvents, life.events);
    const { seed, broken } = life;
    if (broken.length > 0) brokenLives += 1;
    if (broken.length > 0 && shown.length < SHOWN) shown.push({ seed, broken });
    if (over % TURN === 0) await new Promise(setImmediate);
    told?.(over + 1);
  }
  return { lives: count, ...sums, fewestEvents, broken: brokenLives, first: shown };
}

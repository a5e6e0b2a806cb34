import type { Player } from '../player.js';
import type { Random } from '../random.js';

export function uniform(size: number, random: Random): Player {
  return { name: 'uniform', choose: () => Math.floor(random() * size), observe: () => {} };
}

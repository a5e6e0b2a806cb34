import type { Player } from '../player.js';

export function roundRobin(size: number): Player {
  let turn = -1;
  return {
    name: 'round-robin',
    choose: () => {
      turn = (turn + 1) % size;
      return turn;
    },
    observe: () => {},
  };
}

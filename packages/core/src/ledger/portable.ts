import type { Pace } from './pace.js';
import { putPair } from '../kernel/pair-table.js';
import type { Pin, Pins } from './pins.js';

/** A use of a row on a target that is still ahead. */
export interface PortablePace {
  /** The row with its epoch. */
  readonly key: number;
  readonly target: number;
  readonly at: number;
}

/** Every pace that reaches beyond `after`. Read from a copy: entries move as others come and go. */
export function* readPaces({ pairs }: Pace, after: number): Generator<PortablePace> {
  const left = pairs.left.slice();
  const right = pairs.right.slice();
  const until = pairs.until.slice();
  for (let slot = 0; slot < right.length; slot += 1) {
    if (right[slot] === 0 || until[slot]! <= after) continue;
    yield { key: left[slot]!, target: right[slot]! - 1, at: until[slot]! };
  }
}

/** The pair is not to be used before the later of what is known and `at`. */
export function writePace({ pairs }: Pace, key: number, target: number, at: number, now: number): void {
  const slot = putPair(pairs, key, target + 1, now);
  pairs.until[slot] = Math.max(pairs.until[slot]!, at);
}

/** What is left of a pin. */
export interface PortablePin {
  readonly expiresAt: number;
  readonly endsAt: number;
  readonly usesLeft: number;
  /** Of the pin that it is a copy of; a new one where it is none. */
  readonly generation?: number;
}

/** Binds the session as it was bound before. Nobody is pushed out for it: a pool that is full of sessions has newer ones. */
export function writePin(pins: Pins, session: string, row: number, epoch: number, saved: PortablePin): boolean {
  if (!pins.bySession.has(session) && pins.bySession.size >= pins.max) return false;
  const generation = saved.generation ?? pins.nextGeneration;
  if (saved.generation === undefined) pins.nextGeneration += 1;
  const { expiresAt, endsAt, usesLeft } = saved;
  const pin: Pin = { row, epoch, generation, expiresAt, endsAt, usesLeft };
  pins.bySession.delete(session);
  pins.bySession.set(session, pin);
  return true;
}

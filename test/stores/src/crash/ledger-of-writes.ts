import { isDeepStrictEqual } from 'node:util';
import type { SoftRecord } from '@fairlead/core';

/** Things whose records are overwritten again and again. */
const THINGS = 40;

/** The record of the `number`-th write. Every field follows from the number, so that a changed one is noticed. */
export function recordOf(number: number): SoftRecord {
  const at = 1_767_225_600_000 + number;
  const name = `thing${number % THINGS}`;
  if (number % 3 === 0) return { kind: 'target', target: `${name}.example`, at, intervalMs: number };
  if (number % 3 === 1)
    return { kind: 'pin', session: name, at, key: `k${number}`, idleMs: number, endMs: number, usesLeft: number };
  return { kind: 'suspension', target: `${name}.example`, at, forMs: number, why: `why ${number}` };
}

/** The number of a record that was once written; undefined when no write made this. */
export function numberOf(record: SoftRecord): number | undefined {
  const number = record.at - 1_767_225_600_000;
  return isDeepStrictEqual(recordOf(number), record) ? number : undefined;
}

/** What a reader must find: the last write of each thing. */
export class LastWrites {
  readonly #last = new Map<string, number>();

  note(number: number): void {
    const name = thingOf(recordOf(number));
    this.#last.set(name, Math.max(number, this.#last.get(name) ?? -1));
  }

  /** A later record of a thing replaces an earlier one, as a reader takes them. */
  found(number: number): void {
    this.#last.set(thingOf(recordOf(number)), number);
  }

  /** All that is worth keeping, as a pool would answer. */
  *image(): Iterable<SoftRecord> {
    for (const number of this.#last.values()) yield recordOf(number);
  }

  get size(): number {
    return this.#last.size;
  }

  copy(): LastWrites {
    const copy = new LastWrites();
    for (const number of this.#last.values()) copy.note(number);
    return copy;
  }

  /** Things for which `found` has nothing as new as was acknowledged. */
  lost(found: LastWrites): number {
    return [...this.#last].filter(([name, number]) => (found.#last.get(name) ?? -1) < number).length;
  }
}

function thingOf(record: SoftRecord): string {
  if (record.kind === 'pin') return `pin ${record.session}`;
  return record.kind === 'suspension' || record.kind === 'target' ? `${record.kind} ${record.target}` : record.kind;
}

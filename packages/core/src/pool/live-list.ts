import type { Instant } from '../ports/clock.js';

/** Something with a moment at which it must be looked at. */
export interface Watched {
  /** Where it stands in the list; -1 when it does not. */
  slot: number;
  readonly dueAt: Instant;
}

/**
 * What is out at the moment. Dense, so that adding and removing cost nothing; only a lower bound of the soonest due
 * moment is kept, and made true again when it comes.
 */
export class LiveList<T extends Watched> {
  readonly #items: T[] = [];
  #soonest: Instant = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#items.length;
  }

  /** No item is due before this. */
  get soonest(): Instant {
    return this.#soonest;
  }

  add(item: T): void {
    item.slot = this.#items.length;
    this.#items.push(item);
    this.expect(item.dueAt);
  }

  /** An item's moment has moved. Later ones are found out about in time; earlier ones must be told. */
  expect(at: Instant): void {
    if (at < this.#soonest) this.#soonest = at;
  }

  remove(item: T): void {
    if (item.slot < 0) return;
    const last = this.#items.pop()!;
    if (last !== item) {
      this.#items[item.slot] = last;
      last.slot = item.slot;
    }
    item.slot = -1;
  }

  /** Takes out whatever is due and hands it over. */
  takeDue(now: Instant): T[] {
    if (now < this.#soonest) return [];
    const due = this.#items.filter((item) => item.dueAt <= now);
    for (const item of due) this.remove(item);
    this.#soonest = this.#items.reduce((soonest, { dueAt }) => Math.min(soonest, dueAt), Number.POSITIVE_INFINITY);
    return due;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values();
  }
}

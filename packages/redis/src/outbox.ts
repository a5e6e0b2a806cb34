import type { Instant } from '@fairlead/core';
import type { Verb } from './scripts/index.js';

/** Something the store has to be told, however long that takes. */
export interface Message {
  readonly verb: Verb;
  readonly keys: readonly string[];
  /** By then it has come to pass by itself, or is not worth telling any more. */
  readonly until: Instant;
  /** Its words, so many milliseconds after it was put here: a length of time goes on while it waits. */
  readonly args: (waitedMs: number) => readonly string[];
  /** Hears what the store said to it. */
  readonly answered?: (answer: readonly unknown[]) => void;
}

/** More than these the store will learn by the end of leases. */
const MOST = 100_000;
/** Of what is told in one go. */
const PORTION = 500;

interface Waiting {
  readonly slot: string;
  readonly message: Message;
  readonly since: Instant;
  sending: boolean;
}

/**
 * What could not be told yet. There is one slot for each thing that is spoken of: what was said of it last is what counts,
 * also when the answer to what was said before comes late or never.
 */
export class Outbox {
  readonly #slots = new Map<string, Waiting>();
  /** Places to give back: of each lease the key it stands in, and when it has ended by itself. */
  readonly #releases = new Map<string, { readonly key: string; readonly until: Instant }>();

  get size(): number {
    return this.#slots.size + this.#releases.size;
  }

  put(slot: string, message: Message, now: Instant): void {
    this.#slots.delete(slot);
    if (this.#slots.size < MOST) this.#slots.set(slot, { slot, message, since: now, sending: false });
  }

  release(leaseId: string, key: string, until: Instant): void {
    if (this.#releases.size < MOST) this.#releases.set(leaseId, { key, until });
  }

  /** Hands over what still matters, in portions that are to be told one after another. */
  *portions(now: Instant): Generator<readonly Waiting[]> {
    for (const [leaseId, { until }] of this.#releases) if (until <= now) this.#releases.delete(leaseId);
    while (this.#releases.size > 0) yield [this.#takeReleases(now)];
    const due = [...this.#slots.values()].filter(({ sending }) => !sending);
    for (let from = 0; from < due.length; from += PORTION) {
      // Others may have been put in their places meanwhile.
      const portion = due.slice(from, from + PORTION).filter((item) => this.#isDue(item, now));
      for (const item of portion) item.sending = true;
      yield portion;
    }
  }

  /** The store has it, or has to be told again. */
  told(item: Waiting, ok: boolean): void {
    item.sending = false;
    if (item.message.verb === 'release') {
      if (!ok) this.#putBack(item.message);
    } else if (ok && this.#slots.get(item.slot) === item) this.#slots.delete(item.slot);
  }

  #isDue(item: Waiting, now: Instant): boolean {
    if (this.#slots.get(item.slot) !== item || item.sending) return false;
    if (item.message.until > now) return true;
    this.#slots.delete(item.slot);
    return false;
  }

  #takeReleases(now: Instant): Waiting {
    const leases: string[] = [];
    const keys: string[] = [];
    let until = now;
    for (const [leaseId, { key, until: end }] of this.#releases) {
      if (leases.length === PORTION) break;
      leases.push(leaseId);
      keys.push(key);
      until = Math.max(until, end);
      this.#releases.delete(leaseId);
    }
    return { slot: '', message: { verb: 'release', keys, until, args: () => leases }, since: now, sending: true };
  }

  #putBack({ keys, until, args }: Message): void {
    args(0).forEach((leaseId, index) => this.release(leaseId, keys[index]!, until));
  }
}

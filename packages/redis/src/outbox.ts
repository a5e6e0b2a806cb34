import type { Instant } from '@fairlead/core';
import type { Verb } from './scripts/index.js';

/** Something the store has to be told, however long that takes. */
export interface Message {
  readonly verb: Verb;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  /** By then it has come to pass by itself. */
  readonly until: Instant;
}

/** More than these the store will learn by the end of leases. */
const MOST = 100_000;

/** What could not be told yet, in order. */
export class Outbox {
  #messages: Message[] = [];

  get size(): number {
    return this.#messages.length;
  }

  put(message: Message): void {
    if (this.#messages.length < MOST) this.#messages.push(message);
  }

  /** Hands over what still matters. */
  take(now: Instant): Message[] {
    const due = this.#messages.filter(({ until }) => until > now);
    this.#messages = [];
    return due;
  }
}

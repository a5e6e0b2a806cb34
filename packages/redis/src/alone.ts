import type { Instant } from '@fairlead/core';
import { spread } from './keys.js';

/** What a worker may do while the store is out of reach. */
export type WhenDown = 'partition' | 'closed' | 'open';

/** The workers that were last known to share the store. */
export class Peers {
  readonly self: string;
  #workers: readonly string[];
  readonly #settledMs: number;
  #knownSince: Instant = Number.POSITIVE_INFINITY;
  #heardAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(self: string, settledMs: number) {
    this.self = self;
    this.#settledMs = settledMs;
    this.#workers = [self];
  }

  get workers(): readonly string[] {
    return this.#workers;
  }

  /** Whether all of them knew the same workers when the store was last there. */
  agreedAt(contactAt: Instant): boolean {
    return this.#knownSince + this.#settledMs <= contactAt && contactAt - this.#heardAt <= this.#settledMs;
  }

  /** The store has lost its data: until each has said again that it is there, every one knows others. */
  beginAnew(): void {
    this.#knownSince = Number.POSITIVE_INFINITY;
  }

  heard(workers: readonly string[], now: Instant): void {
    this.#workers = workers.includes(this.self) ? workers : [...workers, this.self];
    this.#knownSince = Math.min(this.#knownSince, now);
    this.#heardAt = now;
  }

  /** Whether the endpoint falls to this worker: every one of them reckons the same owner. */
  owns(endpoint: string): boolean {
    const own = spread(`${this.self} ${endpoint}`);
    return this.#workers.every((worker) => {
      if (worker === this.self) return true;
      const other = spread(`${worker} ${endpoint}`);
      return other < own || (other === own && worker < this.self);
    });
  }
}

import type { Instant } from '@fairlead/core';

/** A lease of this worker, and until when it may be believed in. */
export interface HeldLease {
  readonly id: string;
  readonly endpoint: string;
  /** By this worker's own clock, from before the store was asked: it always ends sooner here than there. */
  deadline: Instant;
  /** Granted without the store. */
  readonly alone: boolean;
  /** The store has been told of it, or has granted it. */
  told: boolean;
}

/** What this worker holds. */
export class HeldLeases {
  readonly #leases = new Map<string, HeldLease>();

  get size(): number {
    return this.#leases.size;
  }

  /** When the first of them ends. */
  get soonest(): Instant {
    let soonest = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#leases.values()) soonest = Math.min(soonest, deadline);
    return soonest;
  }

  add(lease: HeldLease): void {
    this.#leases.set(lease.id, lease);
  }

  get(id: string): HeldLease | undefined {
    return this.#leases.get(id);
  }

  drop(id: string): HeldLease | undefined {
    const lease = this.#leases.get(id);
    this.#leases.delete(id);
    return lease;
  }

  /** Takes out what has run out. */
  takeExpired(now: Instant): HeldLease[] {
    const expired = [...this.#leases.values()].filter(({ deadline }) => deadline <= now);
    for (const { id } of expired) this.#leases.delete(id);
    return expired;
  }

  [Symbol.iterator](): IterableIterator<HeldLease> {
    return this.#leases.values();
  }
}

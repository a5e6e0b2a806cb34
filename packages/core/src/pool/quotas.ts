import type { Endpoint } from '../endpoint.js';
import type { Row } from '../kernel/table.js';
import { createWindow, useWindow, windowOpensAt, type Window } from '../ledger/windows.js';
import type { Instant } from '../ports/clock.js';

/** What an endpoint has used up: it rests until its list is refreshed or somebody resumes it. */
export type Spent = 'requests' | 'bytes';

interface Quota {
  requestsLeft: number;
  bytesLeft: number;
  readonly window: Window | undefined;
}

/** What each endpoint may still carry: requests and bytes until it is refreshed, and requests in any span of time. */
export class Quotas {
  readonly #byRow = new Map<Row, Quota>();
  readonly #windows = new Map<Row, Window>();

  /** The endpoint in this row begins anew; a window that has not changed goes on, or a reload would be a way around it. */
  refresh(row: Row, { maxRequests, maxBytes, rate }: Endpoint): void {
    const window = rate === undefined ? undefined : this.#sameWindow(row, rate.requests, rate.perMs);
    this.forget(row);
    if (window !== undefined) this.#windows.set(row, window);
    const limited = maxRequests !== Number.POSITIVE_INFINITY || maxBytes !== Number.POSITIVE_INFINITY;
    if (limited || window !== undefined) {
      this.#byRow.set(row, { requestsLeft: maxRequests, bytesLeft: maxBytes, window });
    }
  }

  forget(row: Row): void {
    this.#byRow.delete(row);
    this.#windows.delete(row);
  }

  /** Whether any endpoint has a window, so that requests have to look. */
  get hasWindows(): boolean {
    return this.#windows.size > 0;
  }

  /** When the row's window lets the next request through; a past instant when it does now. */
  opensAtOf(row: Row): Instant {
    const window = this.#windows.get(row);
    return window === undefined ? Number.NEGATIVE_INFINITY : windowOpensAt(window);
  }

  /** The soonest instant at which a window that is shut now opens. */
  opensAt(now: Instant): Instant {
    let soonest = Number.POSITIVE_INFINITY;
    for (const window of this.#windows.values()) {
      const at = windowOpensAt(window);
      if (at > now && at < soonest) soonest = at;
    }
    return soonest;
  }

  /** A lease was granted. Says when it was the last the endpoint may carry. */
  used(row: Row, now: Instant): Spent | undefined {
    if (this.#byRow.size === 0) return undefined;
    const quota = this.#byRow.get(row);
    if (quota === undefined) return undefined;
    if (quota.window !== undefined) useWindow(quota.window, now);
    quota.requestsLeft -= 1;
    return quota.requestsLeft === 0 ? 'requests' : undefined;
  }

  /** Bytes went through. Says when they were the last. */
  moved(row: Row, bytes: number): Spent | undefined {
    const quota = this.#byRow.get(row);
    if (quota === undefined || quota.bytesLeft <= 0) return undefined;
    quota.bytesLeft -= bytes;
    return quota.bytesLeft <= 0 ? 'bytes' : undefined;
  }

  #sameWindow(row: Row, requests: number, perMs: number): Window {
    const known = this.#windows.get(row);
    return known?.perMs === perMs && known.uses.length === requests ? known : createWindow(requests, perMs);
  }
}

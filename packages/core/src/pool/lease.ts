import type { Endpoint } from '../endpoint.js';
import type { Row } from '../kernel/table.js';
import type { Outcome } from '../outcome.js';
import type { Instant } from '../ports/clock.js';
import type { Target } from '../target.js';

/** The pool's side of a lease: called once, with the first outcome. */
export type SettleLease = (lease: Lease, outcome: Outcome) => void;

export interface LeaseParts {
  readonly id: number;
  readonly row: Row;
  readonly endpoint: Endpoint;
  readonly target: Target;
  readonly since: Instant;
  readonly settle: SettleLease;
}

/** The right to one attempt through one endpoint; settled exactly once. */
export class Lease {
  readonly id: number;
  readonly endpoint: Endpoint;
  readonly target: Target;
  /** When it was granted, on the pool's clock. */
  readonly since: Instant;
  /** @internal */
  readonly row: Row;
  readonly #settle: SettleLease;
  #settled = false;

  constructor(parts: LeaseParts) {
    this.id = parts.id;
    this.row = parts.row;
    this.endpoint = parts.endpoint;
    this.target = parts.target;
    this.since = parts.since;
    this.#settle = parts.settle;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Reports what happened and gives the place back. A second call changes nothing and answers false. */
  settle(outcome: Outcome): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#settle(this, outcome);
    return true;
  }

  /** Unsettled means abandoned: the place returns and nobody is blamed. */
  [Symbol.dispose](): void {
    this.settle({ kind: 'abandoned', elapsedMs: 0 });
  }
}

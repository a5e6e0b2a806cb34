import type { Row } from '../kernel/table.js';
import type { Outcome, Verdict } from '../outcome.js';
import type { Clock, Instant } from '../ports/clock.js';
import { EndpointCounter } from './endpoint-counter.js';
import type { Lease } from './lease.js';

/** What has happened in the pool, per endpoint and in all. */
export class Counters {
  readonly #byRow: (EndpointCounter | undefined)[] = [];
  readonly since: Instant;
  completed = 0;
  failed = 0;
  rerouted = 0;
  replayed = 0;
  hedged = 0;

  constructor(clock: Clock) {
    this.since = clock.now();
  }

  record({ parts }: Lease, outcome: Outcome, verdict: Verdict, _now: Instant): void {
    this.of(parts.row).record(outcome, verdict);
  }

  of(row: Row): EndpointCounter {
    return (this.#byRow[row] ??= new EndpointCounter());
  }

  forget(row: Row): void {
    this.#byRow[row] = undefined;
  }
}

import type { Row } from '../kernel/table.js';
import type { Outcome, Verdict } from '../outcome.js';
import { EndpointCounter } from './endpoint-counter.js';

/** What has happened in the pool: per endpoint while it is here, and in all for good. */
export class Counters {
  readonly #byRow: (EndpointCounter | undefined)[] = [];
  attempts = 0;
  succeeded = 0;
  rerouted = 0;
  replayed = 0;
  hedged = 0;

  record(row: Row, outcome: Outcome, verdict: Verdict): void {
    this.attempts += 1;
    if (verdict === 'success' || verdict === 'final') this.succeeded += 1;
    this.of(row).record(outcome, verdict);
  }

  of(row: Row): EndpointCounter {
    return (this.#byRow[row] ??= new EndpointCounter());
  }

  forget(row: Row): void {
    this.#byRow[row] = undefined;
  }
}

import { readRow, type Gained } from '../kernel/portable.js';
import type { KernelState } from '../kernel/state.js';
import { fadeOver } from '../kernel/estimate.js';
import type { Row } from '../kernel/table.js';

interface Told {
  attempts: number;
  success: number;
  failure: number;
  at: number;
}

/** What this worker has seen of each endpoint beyond what it has told the others. */
export class Gains {
  readonly #told = new Map<Row, Told>();

  attempt(row: Row): void {
    this.#of(row).attempts += 1;
  }

  /** What others told has been added to the row: it is not this worker's own. */
  merged(row: Row, { success, failure }: Gained): void {
    const told = this.#of(row);
    told.success += success;
    told.failure += failure;
  }

  forget(row: Row): void {
    this.#told.delete(row);
  }

  /** Hands over what was gained, and begins anew. */
  take(state: KernelState, row: Row, now: number): Gained {
    const told = this.#of(row);
    const fade = fadeOver(now - told.at, state.constants.tauMs);
    const { success, failure } = readRow(state, row, now);
    const gained = {
      attempts: told.attempts,
      success: Math.max(0, success - told.success * fade),
      failure: Math.max(0, failure - told.failure * fade),
    };
    this.#told.set(row, { attempts: 0, success, failure, at: now });
    return gained;
  }

  /** What was read at the start is everybody's. */
  begin(state: KernelState, row: Row, now: number): void {
    const { success, failure } = readRow(state, row, now);
    this.#told.set(row, { attempts: 0, success, failure, at: now });
  }

  #of(row: Row): Told {
    const known = this.#told.get(row);
    if (known !== undefined) return known;
    const fresh = { attempts: 0, success: 0, failure: 0, at: 0 };
    this.#told.set(row, fresh);
    return fresh;
  }
}

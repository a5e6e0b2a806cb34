import type { Row } from '../kernel/table.js';
import type { Ledger } from '../ports/ledger.js';

/** A pair of a row and the key of a target. */
export interface NotedPair {
  readonly row: Row;
  readonly target: string;
}

/** A use that is nearer than this is over before anybody could read of it. */
export const PACE_AHEAD_MS = 5_000;

/** What has changed since it was last written down: names only, so that ten changes of a thing are one record of it. */
export class ChangeNotes {
  readonly rows = new Set<Row>();
  readonly targets = new Set<string>();
  readonly suspensions = new Set<string>();
  readonly sessions = new Set<string>();
  readonly blocks = new Map<string, NotedPair>();
  readonly paces = new Map<string, NotedPair>();

  get size(): number {
    const { rows, targets, suspensions, sessions, blocks, paces } = this;
    return rows.size + targets.size + suspensions.size + sessions.size + blocks.size + paces.size;
  }

  /** Of the kind that has the most of them. */
  get most(): number {
    const { rows, targets, suspensions, sessions, blocks, paces } = this;
    return Math.max(rows.size, targets.size, suspensions.size, sessions.size, blocks.size, paces.size);
  }

  block(row: Row, target: string): void {
    this.blocks.set(`${row} ${target}`, { row, target });
  }

  pace(row: Row, target: string): void {
    this.paces.set(`${row} ${target}`, { row, target });
  }

  /** The row gets another endpoint: what was noted of the one before is not its own. */
  forgetRow(row: Row): void {
    this.rows.delete(row);
    for (const pairs of [this.blocks, this.paces]) {
      for (const [name, pair] of pairs) if (pair.row === row) pairs.delete(name);
    }
  }
}

/** The ledger, with a note of each change that is worth keeping. */
export function noting(ledger: Ledger, notes: ChangeNotes, noted: () => void): Ledger {
  const session = (name: string): void => {
    notes.sessions.add(name);
    noted();
  };
  const suspension = (target: string): void => {
    notes.suspensions.add(target);
    noted();
  };
  return {
    ...ledger,
    admit(request) {
      const result = ledger.admit(request);
      if (result.row >= 0) {
        if (request.session !== undefined) session(request.session);
        if (request.emissionMs > PACE_AHEAD_MS) notes.pace(result.row, request.targetKey);
      }
      return result;
    },
    suspend(target, until, why, now) {
      suspension(target);
      return ledger.suspend(target, until, why, now);
    },
    resume(target) {
      suspension(target);
      return ledger.resume(target);
    },
    bind(name, row, terms, now) {
      session(name);
      return ledger.bind(name, row, terms, now);
    },
    restorePin(name, row, saved) {
      session(name);
      return ledger.restorePin(name, row, saved);
    },
    unpin(name, expectedGeneration) {
      session(name);
      return ledger.unpin(name, expectedGeneration);
    },
  };
}

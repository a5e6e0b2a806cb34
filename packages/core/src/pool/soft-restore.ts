import { readInterval, writeBlock, writeFleet, writeInterval, writeRow } from '../kernel/portable.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Row } from '../kernel/table.js';
import type { Clock } from '../ports/clock.js';
import type { Ledger } from '../ports/ledger.js';
import type { BlockRecord, EndpointRecord, PaceRecord, PinRecord, SoftRecord } from '../ports/soft-record.js';
import { Orphans } from './orphans.js';

interface RestoreParts {
  readonly kernel: Kernel;
  readonly ledger: Ledger;
  readonly clock: Clock;
  rowOf(key: string): Row | undefined;
  readonly orphans: Orphans;
}

type Owned = EndpointRecord | BlockRecord | PaceRecord | PinRecord;

/** Puts records back to where they came from, aged by the time that has passed since. */
export class SoftRestore {
  readonly #parts: RestoreParts;

  constructor(parts: RestoreParts) {
    this.#parts = parts;
  }

  restore(record: SoftRecord): void {
    const { kernel } = this.#parts;
    switch (record.kind) {
      case 'fleet':
        return writeFleet(kernel.state, record, this.#elapsed(record), this.#now);
      case 'target':
        return writeInterval(kernel.state, record.target, record.intervalMs);
      case 'suspension':
        return this.#suspension(record);
      default:
        return this.#owned(record);
    }
  }

  /** What another worker has told: the longer of both, since neither knows all. */
  heard(record: Exclude<SoftRecord, { kind: 'endpoint' | 'suspension' }>): void {
    const { kernel, ledger, rowOf } = this.#parts;
    switch (record.kind) {
      case 'target':
        return writeInterval(
          kernel.state,
          record.target,
          Math.max(record.intervalMs, readInterval(kernel.state, record.target)),
        );
      case 'block':
      case 'pace':
      case 'pin': {
        const row = rowOf(record.key);
        if (row !== undefined) this.#write(row, record);
        else if (record.kind === 'pin') ledger.unpin(record.session);
        return;
      }
      default:
        return;
    }
  }

  /** The endpoint has come: what was kept of it is its own again. */
  joined(row: Row, key: string): void {
    for (const record of this.#parts.orphans.take(key)) this.#write(row, record);
  }

  #owned(record: Owned): void {
    if (record.kind === 'pin') {
      // Whatever was read of the session before is void, wherever it is.
      this.#parts.orphans.dropPin(record.session);
      this.#parts.ledger.unpin(record.session);
      if (record.key === '') return;
    }
    const row = this.#parts.rowOf(record.key);
    if (row === undefined) this.#parts.orphans.put(record);
    else this.#write(row, record);
  }

  #write(row: Row, record: Owned): void {
    const { kernel, ledger } = this.#parts;
    const now = this.#now;
    const elapsed = this.#elapsed(record);
    switch (record.kind) {
      case 'endpoint':
        return writeRow(kernel.state, row, record, elapsed, now);
      case 'block': {
        const { target, strikes } = record;
        const until = now + record.forMs - elapsed;
        return until > now ? writeBlock(kernel.state, { row, target, until, strikes }, now) : undefined;
      }
      case 'pace': {
        const at = now + record.forMs - elapsed;
        return at > now ? ledger.restorePace(row, kernel.internTarget(record.target), at, now) : undefined;
      }
      case 'pin': {
        const expiresAt = now + record.idleMs - elapsed;
        const endsAt = now + record.endMs - elapsed;
        if (Math.min(expiresAt, endsAt) <= now || record.usesLeft <= 0) return undefined;
        const { session, usesLeft, generation } = record;
        const copy = generation === undefined ? {} : { generation };
        return void ledger.restorePin(session, row, { expiresAt, endsAt, usesLeft, ...copy });
      }
      default:
        return record satisfies never;
    }
  }

  #suspension(record: SoftRecord & { kind: 'suspension' }): void {
    const { ledger } = this.#parts;
    const left = record.forMs - this.#elapsed(record);
    ledger.resume(record.target);
    if (left > 0) ledger.suspend(record.target, this.#now + left, record.why, this.#now);
  }

  /** A wall clock that was set back would make everything last longer: nothing is younger than the moment it is read. */
  #elapsed({ at }: SoftRecord): number {
    return Math.max(0, this.#parts.clock.wallNow() - at);
  }

  get #now(): number {
    return this.#parts.clock.now();
  }
}

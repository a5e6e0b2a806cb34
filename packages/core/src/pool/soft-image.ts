import { readBlock, readBlocks, readFleet, readInterval, readRow } from '../kernel/portable.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Row } from '../kernel/table.js';
import type { Pin } from '../ledger/pins.js';
import type { Clock } from '../ports/clock.js';
import type { Ledger } from '../ports/ledger.js';
import type { BlockRecord, EndpointRecord, PaceRecord, SoftRecord } from '../ports/soft-record.js';
import type { Gains } from './gains.js';
import { PACE_AHEAD_MS, type ChangeNotes } from './change-notes.js';

/** Where the soft state of a pool lives. */
export interface SoftState {
  readonly kernel: Kernel;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** The key of the row's endpoint, if it has one. */
  keyOf(row: Row): string | undefined;
  rows(): Iterable<Row>;
  /** Where others hear of it: what this worker has seen since it last told. */
  readonly gains: Gains | undefined;
}

/** The pool's soft state as records: all of it, or what was noted. */
export class SoftImage {
  readonly #state: SoftState;

  constructor(state: SoftState) {
    this.#state = state;
  }

  /** Everything, walked lazily: the pool changes meanwhile, and each record is as true as the moment it is read. */
  *all(): Generator<SoftRecord> {
    const { kernel, ledger, rows } = this.#state;
    yield this.fleet();
    for (const row of rows()) yield* this.#endpoint(row);
    for (const { row, target } of readBlocks(kernel.state, this.#now)) yield* this.block(row, target);
    for (const { row, target, at } of ledger.paces(this.#now + PACE_AHEAD_MS)) {
      const { key } = kernel.state.targets.states[target] ?? {};
      if (key !== undefined) yield* this.#pace(row, key, at);
    }
    for (const target of kernel.state.targets.byKey.keys()) {
      if (readInterval(kernel.state, target) > 0) yield this.target(target);
    }
    for (const target of ledger.suspensions.keys()) yield this.suspension(target);
    for (const session of ledger.sessions.keys()) yield* this.pin(session);
  }

  /** Takes at most `most` notes and answers with what is true of them now. */
  *taken(notes: ChangeNotes, most: number): Generator<SoftRecord> {
    for (const row of takeSome(notes.rows, most)) yield* this.row(row);
    for (const { row, target } of takePairs(notes.blocks, most)) yield* this.block(row, target);
    for (const { row, target } of takePairs(notes.paces, most)) yield* this.pace(row, target);
    for (const target of takeSome(notes.targets, most)) yield this.target(target);
    for (const target of takeSome(notes.suspensions, most)) yield this.suspension(target);
    for (const session of takeSome(notes.sessions, most)) yield* this.pin(session, 'also when gone');
  }

  /** All that is kept of an endpoint which is about to leave; its sessions go on elsewhere. */
  *leaving(row: Row): Generator<EndpointRecord | BlockRecord | PaceRecord> {
    yield* this.#endpoint(row);
    for (const target of this.#state.kernel.state.targets.byKey.keys()) {
      for (const block of this.block(row, target)) if (block.forMs > 0) yield block;
      yield* this.pace(row, target);
    }
  }

  /** What is to be told of an endpoint: where others add it up, what was gained since it was last told. */
  *row(row: Row): Generator<SoftRecord> {
    const { kernel, gains } = this.#state;
    for (const record of this.#endpoint(row)) {
      yield gains === undefined ? record : { ...record, gained: gains.take(kernel.state, row, this.#now) };
    }
  }

  *#endpoint(row: Row): Generator<EndpointRecord> {
    const key = this.#state.keyOf(row);
    if (key === undefined) return;
    yield { kind: 'endpoint', key, at: this.#at, ...readRow(this.#state.kernel.state, row, this.#now) };
  }

  *block(row: Row, target: string): Generator<BlockRecord> {
    const key = this.#state.keyOf(row);
    const found = readBlock(this.#state.kernel.state, row, target);
    if (key === undefined || found === undefined) return;
    const { until, strikes } = found;
    yield { kind: 'block', key, at: this.#at, target, forMs: Math.max(0, until - this.#now), strikes };
  }

  *pace(row: Row, target: string): Generator<PaceRecord> {
    const index = this.#state.kernel.state.targets.byKey.get(target);
    if (index !== undefined) yield* this.#pace(row, target, this.#state.ledger.opensAt(row, index, 0));
  }

  target(target: string): SoftRecord {
    return { kind: 'target', target, at: this.#at, intervalMs: readInterval(this.#state.kernel.state, target) };
  }

  suspension(target: string): SoftRecord {
    const { until = 0, why = '' } = this.#state.ledger.suspensions.get(target) ?? {};
    return { kind: 'suspension', target, at: this.#at, forMs: Math.max(0, until - this.#now), why };
  }

  *pin(session: string, gone?: 'also when gone'): Generator<SoftRecord> {
    const pin = this.#state.ledger.pinOf(session, this.#now);
    const key = pin === undefined ? undefined : this.#state.keyOf(pin.row);
    if (pin !== undefined && key !== undefined) yield this.#pinned(session, key, pin);
    else if (gone !== undefined)
      yield { kind: 'pin', session, at: this.#at, key: '', idleMs: 0, endMs: 0, usesLeft: 0 };
  }

  fleet(): SoftRecord {
    return { kind: 'fleet', at: this.#at, ...readFleet(this.#state.kernel.state, this.#now) };
  }

  *#pace(row: Row, target: string, at: number): Generator<PaceRecord> {
    const key = this.#state.keyOf(row);
    const forMs = at - this.#now;
    if (key !== undefined && forMs > PACE_AHEAD_MS) yield { kind: 'pace', key, at: this.#at, target, forMs };
  }

  #pinned(session: string, key: string, { expiresAt, endsAt, usesLeft, generation }: Pin): SoftRecord {
    const left = { idleMs: expiresAt - this.#now, endMs: endsAt - this.#now, usesLeft, generation };
    return { kind: 'pin', session, at: this.#at, key, ...left };
  }

  get #now(): number {
    return this.#state.clock.now();
  }

  /** Whole milliseconds are exact enough, and shorter to write. */
  get #at(): number {
    return Math.round(this.#state.clock.wallNow());
  }
}

function* takeSome<T>(set: Set<T>, most: number): Generator<T> {
  let taken = 0;
  for (const item of set) {
    if (taken === most) return;
    taken += 1;
    set.delete(item);
    yield item;
  }
}

function* takePairs<T>(map: Map<string, T>, most: number): Generator<T> {
  let taken = 0;
  for (const [name, item] of map) {
    if (taken === most) return;
    taken += 1;
    map.delete(name);
    yield item;
  }
}

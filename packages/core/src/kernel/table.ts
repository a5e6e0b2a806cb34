import { createRowSets, NO_SET, type RowSets } from './row-sets.js';

/** The index of an endpoint in the table; reused after its endpoint has left. */
export type Row = number;

/** What the kernel needs to know of an endpoint: numbers only. */
export interface RowSpec {
  readonly weight: number;
  readonly tier: number;
  /** Most attempts at once; Infinity leaves it to the learned limit. */
  readonly maxInFlight: number;
  /** Bits for the tags the pool has interned; a request's bits must all be among them. */
  readonly tags: number;
}

/** Where a row stands. Only rows on trial or active are leased. */
export const Standing = Object.freeze({ vacant: 0, trial: 1, active: 2, cooling: 3, held: 4, retired: 5 });

/** Bits of `flags`. */
export const PROVEN = 1;
export const TRIED = 2;

/** Cost classes told apart: a request names those it allows in 32 bits. */
export const TIERS = 32;

/** No endpoint carries more at once: what sixteen bits count. */
export const MOST_IN_FLIGHT = 65_535;

/**
 * Struct of arrays: one number per endpoint and column, 54 bytes an endpoint with the sets and the due queue. Instants
 * are kept in Float32 and therefore relative to `epoch`, which moves on before they lose their milliseconds.
 */
export interface Table {
  /** Rows ever in use; a row below it may be vacant. */
  size: number;
  epoch: number;
  success: Float32Array;
  failure: Float32Array;
  /** EWMA of the latency of successes; 0 before the first. */
  latency: Float32Array;
  /** When the masses were last decayed. */
  touched: Float32Array;
  /** Failures in a row, each by its share of blame. */
  streak: Float32Array;
  failedAt: Float32Array;
  limit: Float32Array;
  /** The least it carried as a connect fault was taken for load, and how often that came since it last carried as much. */
  refusedLoad: Uint8Array;
  refusals: Uint8Array;
  coolUntil: Float32Array;
  weight: Float32Array;
  inFlight: Uint16Array;
  maxInFlight: Uint16Array;
  standing: Uint8Array;
  /** Cooldowns in a row. */
  spells: Uint8Array;
  flags: Uint8Array;
  tier: Uint8Array;
  /** Attempts since the last success, up to 255. */
  misses: Uint8Array;
  /** Changes when a row gets another endpoint, so that what pairs remember of the old one is not found. */
  generation: Uint8Array;
  tags: Int32Array;
  readonly sets: RowSets;
  readonly vacant: Row[];
}

export function createTable(sets: number, capacity: number): Table {
  const room = Math.max(1, capacity);
  return {
    size: 0,
    epoch: 0,
    success: new Float32Array(room),
    failure: new Float32Array(room),
    latency: new Float32Array(room),
    touched: new Float32Array(room),
    streak: new Float32Array(room),
    failedAt: new Float32Array(room),
    limit: new Float32Array(room),
    refusedLoad: new Uint8Array(room),
    refusals: new Uint8Array(room),
    coolUntil: new Float32Array(room),
    weight: new Float32Array(room),
    inFlight: new Uint16Array(room),
    maxInFlight: new Uint16Array(room),
    standing: new Uint8Array(room),
    spells: new Uint8Array(room),
    flags: new Uint8Array(room),
    tier: new Uint8Array(room),
    misses: new Uint8Array(room),
    generation: new Uint8Array(room),
    tags: new Int32Array(room),
    sets: createRowSets(sets, room),
    vacant: [],
  };
}

/** Gives the endpoint a row, an emptied one first, so that the arrays stay as long as the pool was at its largest. */
export function takeRow(table: Table, spec: RowSpec, now: number, limit: number): Row {
  const row = table.vacant.pop() ?? table.size;
  if (row === table.standing.length) reserveRows(table, Math.max(64, Math.ceil(row * 1.25)));
  table.size = Math.max(table.size, row + 1);
  writeSpec(table, row, spec);
  table.standing[row] = Standing.trial;
  table.limit[row] = limit;
  table.touched[row] = now - table.epoch;
  return row;
}

export function writeSpec(table: Table, row: Row, spec: RowSpec): void {
  table.weight[row] = spec.weight;
  table.tier[row] = Math.min(TIERS - 1, spec.tier);
  table.maxInFlight[row] = Math.min(MOST_IN_FLIGHT, spec.maxInFlight);
  table.tags[row] = spec.tags;
}

/** The row forgets its endpoint and may serve another. */
export function clearRow(table: Table, row: Row): void {
  for (const column of columnsOf(table)) column[row] = 0;
  table.generation[row] = (table.generation[row]! + 1) & 255;
  table.vacant.push(row);
}

/** Moves the epoch up to `now` before instants relative to it lose their milliseconds: 2^22 ms is 70 minutes. */
export function keepEpoch(table: Table, now: number): void {
  const shift = now - table.epoch;
  if (shift < EPOCH_SPAN_MS) return;
  table.epoch = now;
  for (let row = 0; row < table.size; row += 1) {
    // What lies further back has decayed to nothing: a floor keeps rows that are never touched from drifting away.
    table.touched[row] = Math.max(-EPOCH_SPAN_MS, table.touched[row]! - shift);
    table.failedAt[row] = Math.max(-EPOCH_SPAN_MS, table.failedAt[row]! - shift);
    table.coolUntil[row] = Math.max(-EPOCH_SPAN_MS, table.coolUntil[row]! - shift);
  }
}

const EPOCH_SPAN_MS = 2 ** 22;

/** Makes room for `capacity` rows at once. */
export function reserveRows(table: Table, capacity: number): void {
  if (capacity <= table.standing.length) return;
  table.success = longer(table.success, capacity);
  table.failure = longer(table.failure, capacity);
  table.latency = longer(table.latency, capacity);
  table.touched = longer(table.touched, capacity);
  table.streak = longer(table.streak, capacity);
  table.failedAt = longer(table.failedAt, capacity);
  table.limit = longer(table.limit, capacity);
  table.refusals = longer(table.refusals, capacity);
  table.refusedLoad = longer(table.refusedLoad, capacity);
  table.coolUntil = longer(table.coolUntil, capacity);
  table.weight = longer(table.weight, capacity);
  table.inFlight = longer(table.inFlight, capacity);
  table.maxInFlight = longer(table.maxInFlight, capacity);
  table.standing = longer(table.standing, capacity);
  table.spells = longer(table.spells, capacity);
  table.flags = longer(table.flags, capacity);
  table.tier = longer(table.tier, capacity);
  table.misses = longer(table.misses, capacity);
  table.generation = longer(table.generation, capacity);
  table.tags = longer(table.tags, capacity);
  const known = table.sets.setOf.length;
  table.sets.setOf = longer(table.sets.setOf, capacity).fill(NO_SET, known);
  table.sets.position = longer(table.sets.position, capacity);
}

type Column = Float32Array | Float64Array | Uint8Array | Uint16Array | Int32Array;

/** The same numbers with room for more. */
export function longer<T extends Column>(column: T, length: number): T {
  // Every column's constructor takes a length; TypeScript cannot tie it to T.
  const larger = new (column.constructor as new (length: number) => T)(length);
  larger.set(column);
  return larger;
}

/** The columns that belong to the endpoint in a row: all but `generation`, which outlives it. */
function columnsOf(table: Table): readonly Column[] {
  const { success, failure, latency, touched, streak, failedAt, limit, refusedLoad, refusals, coolUntil, weight } =
    table;
  const { inFlight, maxInFlight, standing, spells, flags, tier, misses, tags } = table;
  const floats = [success, failure, latency, touched, streak, failedAt, limit, coolUntil, weight];
  return [...floats, refusedLoad, refusals, inFlight, maxInFlight, standing, spells, flags, tier, misses, tags];
}

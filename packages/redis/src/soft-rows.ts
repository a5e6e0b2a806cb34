import { softRecordOf, type EndpointRecord, type SoftRecord } from '@fairlead/core';
import type { Keys } from './keys.js';

/** How long a record that names no time of its own is kept for newcomers. */
const KEPT_MS = 24 * 3_600_000;
/** Longer names are not told: the limits hold without them. */
const LONGEST_TEXT = 2_048;

/** A batch as the script takes it. */
export interface BatchRows {
  readonly names: readonly string[];
  readonly args: readonly string[];
  /** The same as the others read it. */
  readonly feed: string;
}

export function writeBatch(keys: Keys, records: readonly SoftRecord[]): BatchRows {
  const names: string[] = [];
  const endpoints: string[] = [];
  const others: string[] = [];
  const told: string[] = [];
  for (const record of records) {
    const text = JSON.stringify(record, infinityAsNull);
    if (text.length > LONGEST_TEXT) continue;
    told.push(text);
    if (record.kind === 'endpoint') {
      names.push(keys.bucketOf(record.key));
      endpoints.push(...endpointRow(record));
    } else {
      others.push(fieldOf(keys, record), String(Math.ceil(lifeOf(record))), text);
    }
  }
  const args = [String(others.length / 3), ...others, ...endpoints];
  return { names, args, feed: `[${told.join(',')}]` };
}

function endpointRow(record: EndpointRecord): string[] {
  const { attempts, success, failure } = record.gained ?? {
    attempts: 0,
    success: record.success,
    failure: record.failure,
  };
  const { latencyMs, limit, spells, misses, flags, active, coolMs } = record;
  const numbers = [attempts, success, failure, latencyMs, limit, spells, misses, flags, Number(active), coolMs];
  return [record.key, ...numbers.map(String)];
}

/** How long the record is worth keeping; 0 takes it away. */
export function lifeOf(record: SoftRecord): number {
  switch (record.kind) {
    case 'block':
    case 'pace':
    case 'suspension':
      return Math.min(record.forMs, 365 * KEPT_MS);
    case 'pin':
      return record.key === '' ? 0 : Math.min(record.idleMs, record.endMs, KEPT_MS);
    case 'target':
      return record.intervalMs > 0 ? KEPT_MS : 0;
    default:
      return KEPT_MS;
  }
}

function fieldOf(keys: Keys, record: Exclude<SoftRecord, EndpointRecord>): string {
  switch (record.kind) {
    case 'block':
    case 'pace':
      return keys.field(record.kind, record.key, record.target);
    case 'suspension':
    case 'target':
      return keys.field(record.kind, record.target);
    case 'pin':
      return keys.field(record.kind, record.session);
    default:
      return keys.field(record.kind);
  }
}

/** The records of a batch, true as of `at` on this worker's own clock: others' clocks may be off. */
export function readBatch(text: string, at: number): SoftRecord[] {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row) => {
    const record = asRecord(row, at);
    return record === undefined ? [] : [record];
  });
}

const ENDLESS = ['forMs', 'idleMs', 'endMs', 'usesLeft'];

/** JSON has no Infinity: null stands for "no end". */
function asRecord(row: unknown, at: number): SoftRecord | undefined {
  if (typeof row !== 'object' || row === null) return undefined;
  const record: Record<string, unknown> = { ...row, at };
  for (const name of ENDLESS) if (record[name] === null) record[name] = Number.POSITIVE_INFINITY;
  return softRecordOf(record);
}

/** The endpoint record that stands at `index` of what `load` answers, if it is one. */
export function endpointOf(values: readonly string[], index: number, wallNow: number): EndpointRecord | undefined {
  const [key = '', ...rest] = values.slice(index, index + 12);
  const [, success, failure, age, latencyMs, limit, spells, misses, flags, active, coolMs] = rest.map(Number) as Eleven;
  const learned = { success, failure, latencyMs, limit, spells, misses, flags };
  // The masses are as old as the record, what is left of a cooldown was reckoned just now.
  const restMs = coolMs > 0 ? coolMs + age : 0;
  const record = {
    kind: 'endpoint',
    key,
    at: wallNow - age,
    ...learned,
    streak: 0,
    active: active === 1,
    coolMs: restMs,
  };
  return softRecordOf(record) as EndpointRecord | undefined;
}

type Eleven = [number, number, number, number, number, number, number, number, number, number, number];

function infinityAsNull(_: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? null : value;
}

import type { SoftRecord } from './soft-record.js';

/** Nobody's host, rule or session is longer. */
export const LONGEST_TEXT = 2_048;

type Check = (value: unknown) => boolean;
type Fields<Kind> = { readonly [Name in Exclude<keyof Kind, 'kind' | 'at'>]-?: Check };
type OfKind<Name> = Extract<SoftRecord, { kind: Name }>;

const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isText: Check = (value) => typeof value === 'string' && value.length <= LONGEST_TEXT;
/** A length that may have no end. */
const isSpan: Check = (value) => value === Number.POSITIVE_INFINITY || isNumber(value);
const isNumbers: Check = (value) => Array.isArray(value) && value.every(isNumber);
const isFlag: Check = (value) => typeof value === 'boolean';
const isGain: Check = (value) =>
  typeof value === 'object' &&
  value !== null &&
  ['attempts', 'success', 'failure'].every((name) => isNumber((value as Record<string, unknown>)[name]));
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const FIELDS: { readonly [Name in SoftRecord['kind']]: Fields<OfKind<Name>> } = {
  endpoint: {
    key: isText,
    success: isNumber,
    failure: isNumber,
    latencyMs: isNumber,
    streak: isNumber,
    limit: isNumber,
    spells: isNumber,
    misses: isNumber,
    flags: isNumber,
    active: isFlag,
    coolMs: isNumber,
    gained: maybe(isGain),
  },
  block: { key: isText, target: isText, forMs: isSpan, strikes: isNumber },
  pace: { key: isText, target: isText, forMs: isSpan },
  suspension: { target: isText, forMs: isSpan, why: isText },
  pin: {
    session: isText,
    key: isText,
    idleMs: isSpan,
    endMs: isSpan,
    usesLeft: isSpan,
    // Those that a worker gave while it was alone are below zero.
    generation: maybe((value) => Number.isSafeInteger(value)),
  },
  target: { target: isText, intervalMs: isNumber },
  fleet: {
    noveltySuccess: isNumber,
    noveltyFailure: isNumber,
    failureMs: isNumber,
    latencyMs: isNumber,
    hangs: isNumber,
    quick: isNumber,
    firsts: isNumbers,
    ratios: isNumbers,
  },
};

/** The same, made once: a start reads a hundred thousand records. */
const CHECKS = new Map(Object.entries(FIELDS).map(([kind, fields]) => [kind, Object.entries<Check>(fields)]));

/**
 * The value as a record, where every field is of its kind; undefined otherwise. Whoever can write where records come from
 * can write anything, and a newer release writes what this one does not know: nothing half-read gets into a pool.
 */
export function softRecordOf(value: unknown): SoftRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Record<string, unknown>;
  const { kind, at } = given;
  const checks = CHECKS.get(kind as string);
  if (checks === undefined || !isNumber(at)) return undefined;
  const record: Record<string, unknown> = { kind, at };
  for (const [name, check] of checks) {
    const field = Object.hasOwn(given, name) ? given[name] : undefined;
    if (!check(field)) return undefined;
    if (field !== undefined) record[name] = field;
  }
  return record as unknown as SoftRecord;
}

import type { SoftRecord } from '../../ports/soft-record.js';

/**
 * The lines of a state file: JSON arrays, a letter for the kind and then the record's values in the order below. The
 * version stands in the file's name; a change that older readers would misread raises it, and then a function beside
 * `decode` brings older lines up to the new form, with a fixture of each.
 */
export const SCHEMA_VERSION = 1;

/** Longer names are not kept: nobody's host, rule or session is longer, and a line has to end somewhere. */
const LONGEST_TEXT = 2_048;

type Line = readonly [string, ...unknown[]];

export function encode(record: SoftRecord): string | undefined {
  const line = lineOf(record);
  if (line.some((value) => typeof value === 'string' && value.length > LONGEST_TEXT)) return undefined;
  return JSON.stringify(line);
}

function lineOf(record: SoftRecord): Line {
  switch (record.kind) {
    case 'endpoint':
      return endpointLine(record);
    case 'block':
      return ['b', record.key, record.at, record.target, round(record.forMs), round(record.strikes)];
    case 'pace':
      return ['p', record.key, record.at, record.target, round(record.forMs)];
    case 'suspension':
      return ['s', record.target, record.at, span(record.forMs), record.why];
    case 'pin':
      return [
        'n',
        record.session,
        record.at,
        record.key,
        span(record.idleMs),
        span(record.endMs),
        span(record.usesLeft),
      ];
    case 'target':
      return ['t', record.target, record.at, round(record.intervalMs)];
    case 'fleet':
      return fleetLine(record);
    case 'note':
      return ['x', record.name, record.at, record.value];
    default:
      return record satisfies never;
  }
}

function endpointLine(record: SoftRecord & { kind: 'endpoint' }): Line {
  const { key, at, success, failure, latencyMs, streak, limit } = record;
  const counts = [success, failure, latencyMs, streak, limit].map(round);
  return [
    'e',
    key,
    at,
    ...counts,
    record.spells,
    record.misses,
    record.flags,
    Number(record.active),
    round(record.coolMs),
  ];
}

function fleetLine(record: SoftRecord & { kind: 'fleet' }): Line {
  const { at, noveltySuccess, noveltyFailure, failureMs, latencyMs, hangs, quick } = record;
  const numbers = [noveltySuccess, noveltyFailure, failureMs, latencyMs, hangs, quick].map(round);
  return ['f', '', at, ...numbers, record.firsts.map(round), record.ratios.map(round)];
}

/** The record of a line, or undefined where the line is not one: nothing half-read gets into a pool. */
export function decode(payload: string): SoftRecord | undefined {
  const line = parse(payload);
  if (line === undefined) return undefined;
  const [letter, name, at, ...rest] = line;
  if (typeof name !== 'string' || !isNumber(at)) return undefined;
  const record = recordOf(letter, name, at, rest);
  return record !== undefined && isWhole(record) ? record : undefined;
}

function recordOf(letter: unknown, name: string, at: number, rest: readonly unknown[]): SoftRecord | undefined {
  switch (letter) {
    case 'e':
      return endpointOf(name, at, rest as number[]);
    case 'b': {
      const [target, forMs, strikes] = rest as [string, number, number];
      return { kind: 'block', key: name, at, target, forMs, strikes };
    }
    case 'p': {
      const [target, forMs] = rest as [string, number];
      return { kind: 'pace', key: name, at, target, forMs };
    }
    case 's': {
      const [forMs, why] = rest as [number | null, string];
      return { kind: 'suspension', target: name, at, forMs: forMs ?? Number.POSITIVE_INFINITY, why };
    }
    case 'n':
      return pinOf(name, at, rest as [string, ...(number | null)[]]);
    case 't':
      return { kind: 'target', target: name, at, intervalMs: rest[0] as number };
    case 'f':
      return fleetOf(at, rest);
    case 'x':
      return { kind: 'note', name, at, value: rest[0] as string };
    default:
      return undefined;
  }
}

function endpointOf(key: string, at: number, values: readonly number[]): SoftRecord {
  const [success, failure, latencyMs, streak, limit, spells, misses, flags, active, coolMs] = values as Ten;
  const learned = { success, failure, latencyMs, streak, limit, spells, misses, flags };
  return { kind: 'endpoint', key, at, ...learned, active: active === 1, coolMs };
}

type Ten = [number, number, number, number, number, number, number, number, number, number];

function pinOf(session: string, at: number, rest: readonly [string, ...(number | null)[]]): SoftRecord {
  const [key, idle = 0, end = 0, uses = 0] = rest;
  const never = Number.POSITIVE_INFINITY;
  return { kind: 'pin', session, at, key, idleMs: idle ?? never, endMs: end ?? never, usesLeft: uses ?? never };
}

function fleetOf(at: number, rest: readonly unknown[]): SoftRecord {
  const [noveltySuccess, noveltyFailure, failureMs, latencyMs, hangs, quick] = rest as Ten;
  const [firsts, ratios] = rest.slice(6) as [number[], number[]];
  const rates = { noveltySuccess, noveltyFailure, failureMs, latencyMs, hangs, quick };
  return { kind: 'fleet', at, ...rates, firsts, ratios };
}

/** Every field is of its kind: words are words, numbers are numbers and not negative. */
function isWhole(record: SoftRecord): boolean {
  return Object.entries(record).every(([name, value]: [string, unknown]) => {
    if (TEXTS.has(name)) return typeof value === 'string' && value.length <= LONGEST_TEXT;
    if (name === 'active') return typeof value === 'boolean';
    if (name === 'firsts' || name === 'ratios') return Array.isArray(value) && value.every(isNumber);
    return ENDLESS.has(name) ? value === Number.POSITIVE_INFINITY || isNumber(value) : isNumber(value);
  });
}

const TEXTS: ReadonlySet<string> = new Set(['kind', 'key', 'target', 'why', 'session', 'name', 'value']);
/** Lengths that may have no end. */
const ENDLESS: ReadonlySet<string> = new Set(['forMs', 'idleMs', 'endMs', 'usesLeft']);

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function parse(payload: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(payload);
    return Array.isArray(line) ? (line as unknown as Line) : undefined;
  } catch {
    return undefined;
  }
}

/** JSON has no Infinity: null stands for "no end". */
function span(value: number): number | null {
  return Number.isFinite(value) ? round(value) : null;
}

function round(value: number): number {
  return Math.max(0, Math.round(value * 1000) / 1000);
}

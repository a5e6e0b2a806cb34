import type { SoftRecord } from '../../ports/soft-record.js';
import { LONGEST_TEXT, softRecordOf } from '../../ports/soft-record-check.js';

/**
 * The lines of a state file: JSON arrays, a letter for the kind and then the record's values in the order below. The
 * version stands in the file's name; a change that older readers would misread raises it, and then a function beside
 * `decode` brings older lines up to the new form, with a fixture of each.
 */
export const SCHEMA_VERSION = 1;

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
  if (typeof name !== 'string' || typeof at !== 'number') return undefined;
  return softRecordOf(recordOf(letter, name, at, rest));
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

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { softRecordOf } from './soft-record-check.js';

const at = 1_767_225_600_000;
const endpoint = {
  kind: 'endpoint',
  key: 'k',
  at,
  success: 1,
  failure: 0,
  latencyMs: 5,
  streak: 0,
  limit: 4,
  spells: 0,
  misses: 0,
  flags: 3,
  active: true,
  coolMs: 0,
};

test.each([
  [{ ...endpoint, gained: null }],
  [{ ...endpoint, gained: { attempts: 1 } }],
  [{ ...endpoint, gained: { attempts: 1, success: Number.NaN, failure: 0 } }],
  [{ ...endpoint, success: -1 }],
  [{ ...endpoint, latencyMs: undefined }],
  [{ ...endpoint, at: 'yesterday' }],
  [{ kind: 'fleet', at }],
  [{ kind: 'block', at, key: 'k', target: 5, forMs: 1, strikes: 1 }],
  [{ kind: 'suspension', at, target: 'x'.repeat(3_000), forMs: 1, why: '' }],
  [{ kind: 'toString', at }],
  [{ kind: 'something newer', at }],
  [null],
  ['endpoint'],
])('%j is no record', (value) => {
  expect(softRecordOf(value)).toBeUndefined();
});

test('a record keeps what is its own, and nothing else', () => {
  const gained = { attempts: 1, success: 1, failure: 0 };
  const hostile = JSON.parse('{"__proto__": {"coolMs": 5}, "constructor": 1}') as object;
  expect(softRecordOf({ ...endpoint, gained, ...hostile, more: 1 })).toEqual({ ...endpoint, gained });
  const pin = { kind: 'pin', session: 's', key: '', at, idleMs: Infinity, endMs: 0, usesLeft: 0, generation: -5 };
  expect(softRecordOf(pin)).toEqual(pin);
});

test('whatever it is given, it never throws', () => {
  const kinds = fc.constantFrom('endpoint', 'block', 'pace', 'suspension', 'pin', 'target', 'fleet', '__proto__');
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.anything()), kinds, (fields, kind) => {
      softRecordOf({ ...endpoint, ...fields, kind });
    }),
  );
});

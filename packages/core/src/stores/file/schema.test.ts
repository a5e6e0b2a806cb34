import { expect, test } from 'vitest';
import type { SoftRecord } from '../../ports/soft-record.js';
import { decode, encode } from './schema.js';

const at = 1_767_225_600_000;
const never = Number.POSITIVE_INFINITY;

/** Lines as version 1 writes them, and what they mean. They stay here for good: what was written has to be read. */
const VERSION_1: readonly [string, SoftRecord][] = [
  [
    '["e","00112233445566778899aabbccddeeff",1767225600000,3.5,0.25,120,0,4.25,1,2,3,1,1500]',
    {
      kind: 'endpoint',
      key: '00112233445566778899aabbccddeeff',
      at,
      success: 3.5,
      failure: 0.25,
      latencyMs: 120,
      streak: 0,
      limit: 4.25,
      spells: 1,
      misses: 2,
      flags: 3,
      active: true,
      coolMs: 1500,
    },
  ],
  [
    '["b","k",1767225600000,"a.example",30000,2]',
    { kind: 'block', key: 'k', at, target: 'a.example', forMs: 30_000, strikes: 2 },
  ],
  ['["p","k",1767225600000,"a.example",9000]', { kind: 'pace', key: 'k', at, target: 'a.example', forMs: 9_000 }],
  [
    '["s","a.example",1767225600000,null,"operator"]',
    { kind: 'suspension', target: 'a.example', at, forMs: never, why: 'operator' },
  ],
  [
    '["s","a.example",1767225600000,60000,"throttled"]',
    { kind: 'suspension', target: 'a.example', at, forMs: 60_000, why: 'throttled' },
  ],
  [
    '["n","cart",1767225600000,"k",null,5000,null]',
    { kind: 'pin', session: 'cart', at, key: 'k', idleMs: never, endMs: 5_000, usesLeft: never },
  ],
  ['["t","a.example",1767225600000,250]', { kind: 'target', target: 'a.example', at, intervalMs: 250 }],
  [
    '["f","",1767225600000,1,2,3,4,0.5,0.6,[160,3],[0,1,9,2]]',
    {
      kind: 'fleet',
      at,
      noveltySuccess: 1,
      noveltyFailure: 2,
      failureMs: 3,
      latencyMs: 4,
      hangs: 0.5,
      quick: 0.6,
      firsts: [160, 3],
      ratios: [0, 1, 9, 2],
    },
  ],
];

test.each(VERSION_1)('version 1 is read and written: %s', (line, record) => {
  expect(decode(line)).toEqual(record);
  expect(encode(record)).toBe(line);
});

test.each([
  'null',
  '{}',
  '[]',
  '["e"]',
  '["e","k",1]',
  '["e","k",1,1,1,1,1,1,1,1,1,1]',
  '["e","k",1,"1",1,1,1,1,1,1,1,1,1]',
  '["e","k",1,-1,1,1,1,1,1,1,1,1,1]',
  '["e","k",1,1e999,1,1,1,1,1,1,1,1,1]',
  '["b","k",1,5,1,1]',
  '["s","t",1,"long","w"]',
  '["n","s",1,{},1,1,1]',
  '["f","",1,1,2,3,4,5,6,[1,"x"],[]]',
  '["__proto__","k",1]',
  '["e","k",1,',
])('a line that is no record is none: %s', (line) => {
  expect(decode(line)).toBeUndefined();
});

test('a name that is too long to keep is not kept', () => {
  expect(encode({ kind: 'target', target: 'x'.repeat(3_000), at, intervalMs: 1 })).toBeUndefined();
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { partMutants } from './part-mutants.js';
import { poolMutants } from './pool-mutants.js';

const core = new URL('../../../packages/core/src/', import.meta.url);

test.each([...poolMutants, ...partMutants])('the fault "$name" still applies', ({ file, find, becomes }) => {
  const source = readFileSync(new URL(file, core), 'utf8');
  expect(source.split(find).length - 1, `'${find}' in ${file}`).toBe(1);
  expect(becomes).not.toBe(find);
});

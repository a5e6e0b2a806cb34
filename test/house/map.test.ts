import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test('every file that the map names is where it says', () => {
  const map = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const named = [...map.matchAll(/`([\w./-]+\.(?:ts|mjs|json))`/g)].map(([, path]) => path!);
  const bases = ['', 'packages', 'packages/core', 'packages/core/src'];
  const lost = named.filter((path) => !bases.some((base) => existsSync(join(root, base, path))));
  expect(named.length).toBeGreaterThan(20);
  expect(lost).toEqual([]);
});

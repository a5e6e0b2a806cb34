import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const manuals = [
  'README.md',
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
].filter((manual) => existsSync(join(root, manual)));

/** Each block of TypeScript of each manual, as a program of its own. */
function snippets(): [name: string, code: string][] {
  return manuals.flatMap((manual) => {
    const blocks = readFileSync(join(root, manual), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms);
    return [...blocks].map((block, n): [string, string] => [
      `${manual.replaceAll('/', '-')}-${n + 1}.ts`,
      `${block[1]}\nexport {};\n`,
    ]);
  });
}

function compile(programs: readonly [name: string, code: string][]): string {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-snippets-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    // What an author of another adapter or store would have written.
    writeFileSync(
      join(folder, 'my-client.ts'),
      'export declare const createMyClient: (...terms: unknown[]) => never;\n',
    );
    writeFileSync(join(folder, 'my-store.ts'), 'export declare const myStore: (...terms: unknown[]) => never;\n');
    for (const [name, code] of programs) writeFileSync(join(folder, name), code);
    const compilerOptions = { composite: false, noEmit: true, noUnusedLocals: false, types: ['node'] };
    const config = { extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      cwd: folder,
      encoding: 'utf8',
    });
    return tsc.stdout + tsc.stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('what the manuals show compiles', { timeout: 60_000 }, () => {
  const programs = snippets();
  expect(programs.length).toBeGreaterThan(15);
  expect(compile(programs)).toBe('');
});

test('a manual that shows what does not exist is noticed', { timeout: 60_000 }, () => {
  const wrong = "import { createPool } from '@fairlead/core';\ncreatePool({ proxys: [] });\n";
  expect(compile([['wrong.ts', wrong]])).toContain('proxys');
});

// Plants each fault in a copy of core and sees whether the tests of the pool notice: `npm run verify:mutants -- --json`.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Mutant } from './mutant.js';
import { poolMutants } from './pool-mutants.js';

const root = resolve(import.meta.dirname, '../../..');
const json = process.argv.includes('--json');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);

const copy = makeCopy();
try {
  const missed: string[] = [];
  if (!passes()) throw new Error('the tests fail without any fault: nothing can be learned from them');
  const mutants = poolMutants.filter(({ name }) => only === undefined || name.includes(only));
  for (const mutant of mutants) {
    const caught = isCaught(mutant);
    if (!caught) missed.push(mutant.name);
    process.stderr.write(`${caught ? 'caught' : 'MISSED'}  ${mutant.name}\n`);
  }
  const report = { mutants: mutants.length, caught: mutants.length - missed.length };
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${report.caught} of ${report.mutants} caught\n`);
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function isCaught({ name, file, find, becomes }: Mutant): boolean {
  const path = join(copy, 'core/src', file);
  const source = readFileSync(path, 'utf8');
  // A fault that no longer applies would count as caught for ever after.
  if (source.split(find).length !== 2) throw new Error(`'${name}' does not apply: its text must stand in ${file} once`);
  writeFileSync(
    path,
    source.replace(find, () => becomes),
  );
  try {
    return !passes();
  } finally {
    writeFileSync(path, source);
  }
}

/** Fewer lives than in the suite: what is planted here comes to light within a few hundred. */
function passes(): boolean {
  const env = { ...process.env, LIFE_SEEDS: '300', CI: 'true' };
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  // Threads end with their process: a fault that makes a test spin must not outlive its run.
  const args = [vitest, 'run', '--root', copy, '--bail=1', '--reporter=dot', '--pool=threads'];
  const { status } = spawnSync(process.execPath, args, { cwd: copy, env, stdio: 'ignore', timeout: 90_000 });
  return status === 0;
}

function makeCopy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-mutants-'));
  const leaveOut = /(^|\/)(node_modules|dist)$/;
  const copyOf = (from: string, to: string): void =>
    cpSync(join(root, from), join(folder, to), { recursive: true, filter: (path) => !leaveOut.test(path) });
  mkdirSync(join(folder, 'core'));
  copyOf('packages/core/src', 'core/src');
  copyOf('test/pool-life/src', 'life');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'vitest.config.mjs'), config(folder));
  return folder;
}

function config(folder: string): string {
  const alias = [
    { find: '@fairlead/core/testing', replacement: join(folder, 'core/src/testing/index.ts') },
    { find: '@fairlead/core', replacement: join(folder, 'core/src/index.ts') },
  ];
  const include = ['life/**/*.test.ts', 'core/src/pool/*.test.ts'];
  return `export default ${JSON.stringify({ resolve: { alias }, test: { include, testTimeout: 200_000 } })};\n`;
}

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Mutant } from './mutant.js';

export const root = resolve(import.meta.dirname, '../../..');

/** What became of a run of tests; `hung` was ended from outside. */
export type TestEnd = 'passed' | 'failed' | 'hung';

/** Does the work with the fault in the copy below `folder`, and takes it out again. */
export async function planted<T>(folder: string, { name, file, find, becomes }: Mutant, work: () => Promise<T>) {
  const path = join(folder, file);
  const source = readFileSync(path, 'utf8');
  // A fault that no longer applies would count as caught for ever after.
  if (source.split(find).length !== 2) {
    throw new Error(`'${name}' does not apply: its text must stand in ${file} once`);
  }
  writeFileSync(
    path,
    source.replace(find, () => becomes),
  );
  try {
    return await work();
  } finally {
    writeFileSync(path, source);
  }
}

/** Runs the tests of a copy, which bring their own configuration. */
export function runTests(
  folder: string,
  { args = [], env, longestMs }: { args?: readonly string[]; env: Record<string, string>; longestMs: number },
): Promise<TestEnd> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const command = [vitest, 'run', '--root', folder, '--bail=1', '--reporter=dot', ...args];
  const child = spawn(process.execPath, command, { cwd: folder, env: { ...process.env, ...env }, stdio: 'ignore' });
  let hung = false;
  const impatience = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, longestMs);
  return new Promise((end) => {
    child.once('close', (status) => {
      clearTimeout(impatience);
      end(hung ? 'hung' : status === 0 ? 'passed' : 'failed');
    });
  });
}

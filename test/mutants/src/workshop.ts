import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mutant } from './mutant.js';
import { planted, root, runTests, type TestEnd } from './planting.js';

/** Ends a run that hangs all the same; the lives themselves end what spins, by counting. */
const LONGEST_MS = 120_000;

/** A copy of core in which faults are planted, and the tests of the pool that are to notice. */
export class Workshop {
  readonly #folder = makeCopy();

  /** What the tests make of the fault. */
  async tests(mutant: Mutant): Promise<TestEnd> {
    return planted(join(this.#folder, 'core/src'), mutant, () => this.untouched());
  }

  /** The lives first, which most faults do not survive, then the tests of the pool. */
  async untouched(): Promise<TestEnd> {
    const lives = await this.#run('life');
    return lives === 'passed' ? this.#run('core') : lives;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(project: 'life' | 'core'): Promise<TestEnd> {
    // Fewer lives than in the suite: what is planted here comes to light within a hundred or so.
    const env = { LIFE_SEEDS: '120', CI: 'true' };
    // Threads end with their process: a fault that makes a test spin must not outlive its run.
    return runTests(this.#folder, { args: ['--pool=threads', project], env, longestMs: LONGEST_MS });
  }
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
  const include = ['life/life.test.ts', 'core/src/pool/*.test.ts'];
  const test = { include, testTimeout: 10_000 };
  return `export default ${JSON.stringify({ resolve: { alias }, test })};\n`;
}

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Mutant } from './mutant.js';

const root = resolve(import.meta.dirname, '../../..');

/** Ends a run that hangs all the same; the lives themselves end what spins, by counting. */
const LONGEST_MS = 45_000;

/** A copy of core in which faults are planted, and the tests of the pool that are to notice. */
export class Workshop {
  readonly #folder = makeCopy();

  /** Whether the tests notice the fault: the lives first, which most do not survive, then the tests of the pool. */
  async catches({ name, file, find, becomes }: Mutant): Promise<boolean> {
    const path = join(this.#folder, 'core/src', file);
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
      return !(await this.passes());
    } finally {
      writeFileSync(path, source);
    }
  }

  async passes(): Promise<boolean> {
    return (await this.#run('life')) && this.#run('core');
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(project: 'life' | 'core'): Promise<boolean> {
    // Fewer lives than in the suite: what is planted here comes to light within a hundred or so.
    const env = { ...process.env, LIFE_SEEDS: '120', CI: 'true' };
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    // Threads end with their process: a fault that makes a test spin must not outlive its run.
    const args = [vitest, 'run', '--root', this.#folder, '--bail=1', '--reporter=dot', '--pool=threads', project];
    const child = spawn(process.execPath, args, { cwd: this.#folder, env, stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
    return new Promise((end) => {
      child.once('close', (status) => {
        clearTimeout(timer);
        end(status === 0);
      });
    });
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

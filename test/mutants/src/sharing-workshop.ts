import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mutant } from './mutant.js';
import { planted, root, runTests } from './planting.js';

/** A fault that hangs what it breaks has been noticed, too. */
const LONGEST_MS = 300_000;

/** A copy of core, the Redis store and what judges them, with the tests of all that is shared. */
export class SharingWorkshop {
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'fairlead-sharing-mutants-'));
    mkdirSync(join(this.#folder, 'test'));
    for (const name of ['core', 'redis', 'lab', 'testkit']) this.#copy(`packages/${name}`, name);
    this.#copy('test/stores/src', 'test/stores');
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'));
    writeFileSync(join(this.#folder, 'vitest.config.mjs'), this.#config());
  }

  async catches(mutant: Mutant): Promise<boolean> {
    return !(await planted(this.#folder, mutant, () => this.passes()));
  }

  async passes(): Promise<boolean> {
    const env = { SHARED_LIVES: '150', MODEL_RUNS: '15', CI: 'true' };
    return (await runTests(this.#folder, { env, longestMs: LONGEST_MS })) === 'passed';
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #copy(from: string, to: string): void {
    // Settings of the compiler that stand beside the originals are not needed.
    const leaveOut = /(^|\/)(node_modules|dist|tsconfig[.\w]*\.json)$/;
    cpSync(join(root, from), join(this.#folder, to), { recursive: true, filter: (path) => !leaveOut.test(path) });
  }

  #config(): string {
    const at = (path: string): string => join(this.#folder, path);
    const alias = [
      { find: '@fairlead/core/testing', replacement: at('core/src/testing/index.ts') },
      { find: '@fairlead/core/file', replacement: at('core/src/stores/file/index.ts') },
      { find: '@fairlead/core', replacement: at('core/src/index.ts') },
      { find: '@fairlead/redis/port', replacement: at('redis/src/port/index.ts') },
      { find: '@fairlead/redis', replacement: at('redis/src/index.ts') },
      { find: '@fairlead/testkit', replacement: at('testkit/src/index.ts') },
      { find: '@fairlead/lab', replacement: at('lab/src/index.ts') },
    ];
    const include = ['redis/src/*.test.ts', 'test/stores/{simulated,wire,model}/*.test.ts'];
    return `export default ${JSON.stringify({ resolve: { alias }, test: { include, testTimeout: 100_000 } })};\n`;
  }
}

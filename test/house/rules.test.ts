import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Each rule of direction in ARCHITECTURE.md is broken once on a copy of the tree, and its tool must notice.
const root = resolve(import.meta.dirname, '../..');
let copy = '';

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'fairlead-house-'));
  const parts = [
    'packages',
    'scripts',
    'package.json',
    'package-lock.json',
    'turbo.json',
    '.oxlintrc.json',
    'tsconfig.base.json',
  ];
  const leaveOut = /(^|\/)(node_modules|dist|\.turbo)$/;
  for (const part of parts) {
    cpSync(join(root, part), join(copy, part), { recursive: true, filter: (path) => !leaveOut.test(path) });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

interface Planted {
  readonly rule: string;
  readonly file: string;
  readonly code?: string;
  readonly manifest?: (manifest: Record<string, unknown>) => void;
  readonly tool: readonly string[];
  readonly says: RegExp;
}

const lint = ['npx', 'oxlint', '--deny-warnings', '--disable-nested-config', 'packages'];
const kernelTypes = ['npx', 'tsc', '-p', 'packages/core/tsconfig.kernel.json', '--noEmit'];
const boundaries = ['npx', 'turbo', 'boundaries'];
const manifests = ['node', 'scripts/check-manifests.mjs'];
const dependOn = (name: string) => (manifest: Record<string, unknown>) => {
  manifest['dependencies'] = { ...(manifest['dependencies'] as object), [name]: '0.0.0' };
};

const planted: readonly Planted[] = [
  {
    rule: 'the kernel does not import the pool',
    file: 'packages/core/src/kernel/table.ts',
    code: "import '../pool/pool.js';",
    tool: lint,
    says: /never the other way/,
  },
  {
    rule: 'the ledger does not import the pool',
    file: 'packages/core/src/ledger/leases.ts',
    code: "import '../pool/pool.js';",
    tool: lint,
    says: /never the other way/,
  },
  {
    rule: 'the kernel reads no clock',
    file: 'packages/core/src/kernel/table.ts',
    code: 'export const late = Date.now();',
    tool: lint,
    says: /Time enters by ports/,
  },
  {
    rule: 'the kernel draws no chance of its own',
    file: 'packages/core/src/kernel/table.ts',
    code: 'export const luck = Math.random();',
    tool: lint,
    says: /Chance enters by ports/,
  },
  {
    rule: 'the kernel knows no platform',
    file: 'packages/core/src/kernel/table.ts',
    code: 'export const home = process.env;',
    tool: kernelTypes,
    says: /Cannot find name 'process'/,
  },
  {
    rule: 'time enters the pool by its port only',
    file: 'packages/core/src/pool/pool.ts',
    code: 'export const timer = setTimeout(() => undefined, 1);',
    tool: lint,
    says: /Timers enter by ports/,
  },
  {
    rule: 'core imports no other package of ours',
    file: 'packages/core/src/pool/pool.ts',
    code: "import '@fairlead/dial';",
    tool: lint,
    says: /Core depends on nothing/,
  },
  {
    rule: 'test equipment stays out of what is shipped',
    file: 'packages/dial/src/index.ts',
    code: "import '@fairlead/lab';",
    tool: lint,
    says: /Test equipment stays in tests/,
  },
  {
    rule: 'the kernel imports only itself',
    file: 'packages/core/src/kernel/table.ts',
    code: "import '../option-check.js';",
    tool: lint,
    says: /Kernel and ledger are pure/,
  },
  {
    rule: 'no timer comes into core by a module either',
    file: 'packages/core/src/pool/pool.ts',
    code: "import 'node:timers/promises';",
    tool: lint,
    says: /Timers enter by ports/,
  },
  {
    rule: 'an adapter does not import an adapter',
    file: 'packages/got/src/index.ts',
    code: "import '@fairlead/axios';",
    manifest: dependOn('@fairlead/axios'),
    tool: boundaries,
    says: /@fairlead\/axios/,
  },
  {
    rule: 'the dialer does not import an adapter',
    file: 'packages/dial/src/index.ts',
    code: "import '@fairlead/axios';",
    manifest: dependOn('@fairlead/axios'),
    tool: boundaries,
    says: /@fairlead\/axios/,
  },
  {
    rule: 'core has no dependency',
    file: 'packages/core/src/index.ts',
    manifest: dependOn('vitest'),
    tool: manifests,
    says: /core depends on nothing/,
  },
  {
    rule: 'a package is MIT',
    file: 'packages/dial/src/index.ts',
    manifest: (manifest) => {
      manifest['license'] = 'UNLICENSED';
    },
    tool: manifests,
    says: /license must be MIT/,
  },
  {
    rule: 'a dependency is justified in the README',
    file: 'packages/dial/src/index.ts',
    manifest: dependOn('vitest'),
    tool: manifests,
    says: /does not say why it depends on vitest/,
  },
];

test.each([lint, kernelTypes, boundaries, manifests])('%s %s accepts the tree as it is', (...tool) => {
  const { status, output } = run(tool);
  expect(output + status).toMatch(/0$/);
});

test.each(planted)('$rule', ({ file, code, manifest, tool, says }) => {
  const path = join(copy, file);
  const manifestPath = join(copy, file.replace(/\/src\/.*/, '/package.json'));
  const [source, json] = [readFileSync(path, 'utf8'), readFileSync(manifestPath, 'utf8')];
  try {
    if (code !== undefined) appendFileSync(path, `\n${code}\n`);
    if (manifest !== undefined) {
      const parsed = JSON.parse(json) as Record<string, unknown>;
      manifest(parsed);
      writeFileSync(manifestPath, JSON.stringify(parsed));
    }
    const { status, output } = run(tool);
    expect(status).not.toBe(0);
    expect(output).toMatch(says);
  } finally {
    writeFileSync(path, source);
    writeFileSync(manifestPath, json);
  }
});

function run([command = '', ...args]: readonly string[]): { status: number | null; output: string } {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: copy,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { status, output: stdout + stderr };
}

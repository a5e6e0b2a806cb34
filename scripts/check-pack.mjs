// Packs every publishable package and looks at the tarball as a consumer would: exports (publint), types (attw), and an
// installation in a throw-away folder, imported as ESM and through require().
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'fairlead-pack-'));
/** What consumers write, in either kind of module. */
const CLIENT = `
import axios from 'axios';
import got from 'got';
import { request } from 'undici';
import { createPool } from '@fairlead/core';
import { withPool } from '@fairlead/axios';
import { gotPool, type PoolContext } from '@fairlead/got';
import { createFetch, pooled, poolDispatcher } from '@fairlead/undici';
const pool = createPool({ proxies: [] });
export const one = withPool(axios.create(), pool).get('https://shop.example', { pool: { session: 'a' } });
const context = { pool: { session: 'a' } } satisfies PoolContext;
export const two = got.extend(gotPool(pool))('https://shop.example', { context });
export const three: typeof globalThis.fetch = createFetch(pool);
export const four = createFetch(pool)('https://shop.example', { pool: { session: 'a' } });
const options = pooled({ dispatcher: poolDispatcher(pool), pool: { session: 'a' } });
export const five = request('https://shop.example', options);
`;

const COMMON_CLIENT = `
import core = require('@fairlead/core');
import undici = require('@fairlead/undici');
export const one = undici.createFetch(core.createPool({ proxies: [] }))('https://shop.example');
`;

try {
  const packages = publishable();
  const tarballs = packages.map(pack);
  for (const [index, tarball] of tarballs.entries()) inspect(packages[index], tarball);
  consume(packages, tarballs);
  process.stdout.write(`packed: ${packages.map(({ name }) => name).join(', ')}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function publishable() {
  const base = join(root, 'packages');
  return readdirSync(base)
    .map((folder) => join(base, folder))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter((manifest) => manifest.private !== true);
}

function pack({ folder }) {
  const [{ filename, files }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', scratch], folder));
  const stray = files
    .map(({ path }) => path)
    .filter((path) => /\.test\.|tsbuildinfo/.test(path) || isLeftOver(folder, path));
  if (stray.length > 0) fail(`${folder} packs ${stray.join(', ')}: build it anew, from an empty dist`);
  return join(scratch, filename);
}

/** Built from a source that is gone: a compiler writes, and takes nothing away. */
function isLeftOver(folder, path) {
  const built = /^dist\/(.+?)(?:\.d)?\.(?:js|ts)(?:\.map)?$/.exec(path)?.[1];
  return built !== undefined && !existsSync(join(folder, 'src', `${built}.ts`));
}

function inspect({ name }, tarball) {
  run('npx', ['publint', '--strict', tarball], root);
  run('npx', ['attw', tarball, '--profile', 'esm-only'], root);
  process.stdout.write(`${name}: exports and types hold\n`);
}

function consume(packages, tarballs) {
  const home = join(scratch, 'consumer');
  mkdirSync(home);
  const overrides = Object.fromEntries(packages.map(({ name }, index) => [name, `file:${tarballs[index]}`]));
  const peers = Object.assign({}, ...packages.map(peersToInstall));
  const manifest = { private: true, dependencies: { ...overrides, ...peers }, overrides };
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], home);
  for (const { name, exports: entries } of packages) {
    for (const entry of Object.keys(entries).filter((key) => !key.endsWith('.json'))) {
      const specifier = name + entry.slice(1);
      run('node', ['--input-type=module', '-e', `await import('${specifier}')`], home);
      run('node', ['--no-warnings', '--input-type=commonjs', '-e', `require('${specifier}')`], home);
    }
  }
  compile(home);
}

/** As strictly as a consumer may: libraries are checked too, and what stands in their types has to be there. */
function compile(home) {
  const common = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  const compilerOptions = { ...common, module: 'nodenext', target: 'es2024', lib: ['esnext'] };
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['client.mts', 'client.cts'] }));
  writeFileSync(join(home, 'client.mts'), CLIENT);
  writeFileSync(join(home, 'client.cts'), COMMON_CLIENT);
  run(join(root, 'node_modules/.bin/tsc'), ['-p', home], home);
}

function peersToInstall({ peerDependencies = {} }) {
  return Object.fromEntries(Object.entries(peerDependencies).filter(([name]) => !name.startsWith('@fairlead/')));
}

function run(command, args, cwd) {
  const env = { ...process.env, DO_NOT_TRACK: '1' };
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status !== 0) fail(`'${command} ${args.join(' ')}' failed:\n${stdout}${stderr}`);
  return stdout;
}

function fail(message) {
  throw new Error(message);
}

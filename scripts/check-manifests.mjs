// Reads every package's manifest and refuses what turbo's boundaries cannot see: core with a dependency, a dependency
// that the README does not justify, one without a license or without room for our lowest Node.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..');
const OPEN_LICENSES = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'BlueOak-1.0.0',
  'MPL-2.0',
]);

const problems = folders().flatMap(check);
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
else process.stdout.write('manifests: every rule holds\n');

function folders() {
  const base = join(root, 'packages');
  return readdirSync(base)
    .map((name) => join(base, name))
    .filter((path) => existsSync(join(path, 'package.json')));
}

function check(folder) {
  const manifest = read(join(folder, 'package.json'));
  const { name, dependencies = {}, license, engines } = manifest;
  const found = [];
  if (license !== 'MIT') found.push(`${name}: license must be MIT`);
  if (engines?.node === undefined) found.push(`${name}: engines.node is missing`);
  if (
    name === '@fairlead/core' &&
    ['dependencies', 'peerDependencies', 'optionalDependencies'].some(
      (kind) => Object.keys(manifest[kind] ?? {}).length > 0,
    )
  ) {
    found.push(`${name}: core depends on nothing`);
  }
  const readme = existsSync(join(folder, 'README.md')) ? readFileSync(join(folder, 'README.md'), 'utf8') : '';
  const foreign = Object.keys(dependencies).filter((dependency) => !dependency.startsWith('@fairlead/'));
  return [...found, ...foreign.flatMap((dependency) => checkDependency(name, folder, dependency, readme))];
}

function checkDependency(name, folder, dependency, readme) {
  const found = [];
  if (!readme.includes(`\`${dependency}\``))
    found.push(`${name}: README.md does not say why it depends on ${dependency}`);
  const installed = [folder, root]
    .map((base) => join(base, 'node_modules', dependency, 'package.json'))
    .find(existsSync);
  if (installed === undefined) return [...found, `${name}: ${dependency} is not installed`];
  const { license } = read(installed);
  // Where a package offers a choice, one that we can ship is enough.
  const choices = license?.replace(/[()]/g, '').split(' OR ') ?? [];
  if (!choices.some((choice) => OPEN_LICENSES.has(choice))) found.push(`${name}: ${dependency} has license ${license}`);
  return found;
}

function read(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

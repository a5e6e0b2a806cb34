// Makes a fresh clone ready: dependencies, Debian services for tests, build. Plain Node: nothing is installed yet when it
// runs. Everything it says goes to stderr, so that the command it prepares keeps its own stdout.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const forTests = process.argv.includes('--for=test');
const inCi = process.env.CI === 'true';

checkNode();
installDependencies();
if (forTests) installServices();
build();

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node 20.19 or newer is needed; this is ${process.versions.node}.`);
}

function installDependencies() {
  const stamp = join(root, 'node_modules', '.fairlead-lock');
  const lock = digest(join(root, 'package-lock.json'));
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('installing dependencies');
  // Not `npm ci`: it refuses a lock without the optional binaries of every other platform, which some registries lack.
  // This installs what the lock says too, and --no-save keeps it from being rewritten.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}

function build() {
  // Skipped when no source is newer than the last build; turbo would find that out too, but takes seconds to start.
  const stamp = join(root, '.turbo', 'fairlead-built');
  const newest = newestSource();
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newest) return;
  say('building');
  const started = new Date();
  run('npx', ['turbo', 'run', 'build', '--output-logs=errors-only']);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
  // What was edited while it built is not built.
  utimesSync(stamp, started, started);
}

function newestSource() {
  const folders = ['packages', 'examples', 'test'];
  const files = folders.flatMap((folder) => sources(join(root, folder)));
  return Math.max(...[...files, join(root, 'package-lock.json'), join(root, 'tsconfig.base.json')].map(mtime));
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name.startsWith('.')) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...sources(path)] : [path];
  });
}

function mtime(path) {
  return statSync(path).mtimeMs;
}

function installServices() {
  const list = JSON.parse(readFileSync(join(root, 'packages', 'lab', 'debian-packages.json'), 'utf8'));
  const missing = list.filter(({ binary }) => !onPath(binary));
  if (missing.length === 0) return;
  const names = missing.map(({ package: name }) => name);
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    say(`installing ${names.join(', ')}`);
    withoutAutostart(() => aptInstall(names));
  }
  reportMissing(missing.filter(({ binary }) => !onPath(binary)));
}

function aptInstall(names) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // A fresh machine has no package index; a failure shows in what is still missing afterwards.
  spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 2, 2], env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { stdio: ['ignore', 2, 2], env });
}

/** Debian starts a server as it installs it; the tests start their own, on their own ports. */
function withoutAutostart(install) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(policy);
  }
}

function reportMissing(missing) {
  if (missing.length === 0) return;
  const lines = missing.map(({ package: name, suites }) => `  ${name}: needed by ${suites.join(', ')}`);
  say(`not installed, as this is not Debian or not root:\n${lines.join('\n')}`);
  if (inCi) fail('in CI every service must be there.');
  say('those suites are skipped; install the packages to run them.');
}

function onPath(binary) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, binary)));
}

function run(command, args) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], env });
  if (status !== 0) fail(`'${command} ${args.join(' ')}' failed.`);
}

function digest(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

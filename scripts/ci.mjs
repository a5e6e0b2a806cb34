// Every check of the project, one after another; each counts, and the last line says how many passed and failed.
// `--only=format,lint` runs some of them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'fairlead-ci-'));
const node24 = join(root, '.tool', 'node24');

const steps = {
  format: () => one('npm', ['run', '-s', 'format:check']),
  lint: () => one('npm', ['run', '-s', 'lint']),
  types: () => one('npm', ['run', '-s', 'types']),
  boundaries: () => one('npm', ['run', '-s', 'boundaries']),
  unused: () => one('npm', ['run', '-s', 'unused']),
  tests: () => vitest('tests', 'npm', ['test', '--']),
  node24: () => unitOnNode24(),
  examples: () => examples(),
  pack: () => one('npm', ['run', '-s', 'check:pack']),
};

const total = { passed: 0, failed: 0 };
for (const name of selected()) {
  const started = Date.now();
  process.stdout.write(`\n== ${name}\n`);
  const { passed, failed } = steps[name]();
  total.passed += passed;
  total.failed += failed;
  const verdict = failed === 0 ? 'ok' : 'FAILED';
  process.stdout.write(`== ${name}: ${verdict}, ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

/** Each example is a program that says by its exit code whether it went as its README tells. */
function examples() {
  const mains = readdirSync(join(root, 'examples')).map((name) => join('examples', name, 'dist', 'main.js'));
  const failed = mains.filter((main) => exec('node', [main]) !== 0).length;
  return { passed: mains.length - failed, failed };
}

function selected() {
  const only = process.argv.find((argument) => argument.startsWith('--only='));
  return only === undefined ? Object.keys(steps) : only.slice('--only='.length).split(',');
}

function one(command, args) {
  return exec(command, args) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Runs vitest through `command` and counts its tests; a run that dies without a report is one failure. */
function vitest(label, command, args) {
  const report = join(scratch, `${label}.json`);
  const status = exec(command, [...args, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
  // A test set aside in CI is a test that cannot fail.
  const skipped = process.env.CI === 'true' ? numPendingTests : 0;
  const failed = numFailedTests + skipped;
  return { passed: numPassedTests, failed: status === 0 ? failed : Math.max(1, failed) };
}

function unitOnNode24() {
  const binary = join(node24, 'node_modules', 'node', 'bin', 'node');
  // Installed apart: as a dependency of the root it would shadow the Node that runs everything else.
  if (
    !existsSync(binary) &&
    exec('npm', ['i', '--prefix', node24, '--no-save', '--no-package-lock', 'node@24']) !== 0
  ) {
    return { passed: 0, failed: 1 };
  }
  if (exec('node', [join('scripts', 'newest-clients.mjs')]) !== 0) return { passed: 0, failed: 1 };
  // The packages' own tests, and the fault table over the newest clients, which run on no older Node.
  const files = ['packages/', 'test/dial/src/newest-clients'];
  const projects = ['--project', 'unit', '--project', 'integration'];
  return vitest('node24', binary, [join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...projects, ...files]);
}

function exec(command, args) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 1, 2], env }).status;
}

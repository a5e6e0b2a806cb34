// Puts the clients that no longer run on our lowest Node where the contract finds them. They are no dependencies of a
// workspace: with strict engines nobody could install the tree on Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLIENTS = ['got@16.1.0', 'got-15@npm:got@15.1.0', 'undici@8.12.4'];
const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '.tool', 'newest');
const missing = CLIENTS.some((client) => !existsSync(join(folder, 'node_modules', client.split('@')[0])));
if (missing) {
  const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--engine-strict=false'];
  process.exitCode =
    spawnSync('npm', ['i', '--prefix', folder, ...flags, ...CLIENTS], { stdio: 'inherit' }).status ?? 1;
}

// A small shop through six proxies, one of them dead, by every client on one pool: what `npm start` shows.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool } from '@fairlead/core';
import { fileStore } from '@fairlead/core/file';
import { readOptions, USAGE, type TourOptions } from './options.js';
import { progressBar } from './progress-bar.js';
import { labScene, ownScene } from './scene.js';
import { table } from './table.js';
import { walkersOver } from './walkers.js';

const options = asked();
const scene = options.own === undefined ? await labScene() : ownScene(options.own);
// What a program of yours would keep from run to run; a tour begins anew each time.
const state = mkdtempSync(join(tmpdir(), 'fairlead-tour-'));
const pool = createPool({ proxies: scene.proxies, store: fileStore({ dir: state }) });
await pool.ready();
const walkers = walkersOver(pool, options.own === undefined);

// A pool that waits for a proxy keeps no process alive; this does.
const awake = setInterval(() => undefined, 60_000);
let asks = 0;
let failed = 0;
for (const { name, share, walk } of walkers) {
  const pages = Array.from({ length: Math.ceil(options.pages * share) }, (_, index) => scene.page(index));
  const bar = progressBar(name.padEnd(10), pages.length);
  let problem: unknown;
  await walk(pages, (error) => {
    asks += 1;
    if (error !== undefined) failed += 1;
    problem ??= error;
    bar.step();
  });
  bar.end();
  if (problem !== undefined) process.stderr.write(`${name}: ${(problem as Error).message}\n`);
}
if (!walkers.some(({ name }) => name === 'Playwright')) process.stderr.write('Playwright: no Chromium here, skipped\n');

process.stdout.write(`${table(pool.stats(), scene.labels)}\n`);
process.stdout.write(`${asks - failed} of ${asks} pages answered, ${failed} failed\n`);
clearInterval(awake);
await pool.close();
rmSync(state, { recursive: true, force: true });
await scene.close();
process.exit(failed === 0 ? 0 : 1);

function asked(): TourOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    process.exit(2);
  }
}

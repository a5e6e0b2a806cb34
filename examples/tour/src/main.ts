// Two hundred requests through six proxies, one of them dead: what `npm start` shows.
import { withPool } from '@fairlead/axios';
import { createPool } from '@fairlead/core';
import axios from 'axios';
import { startScene } from './scene.js';
import { progressBar } from './progress-bar.js';
import { table } from './table.js';

const REQUESTS = 200;
const AT_ONCE = 10;

const scene = await startScene();
const pool = createPool({ proxies: scene.proxies });
const client = withPool(axios.create({ timeout: 15_000 }), pool);
const bar = progressBar('axios', REQUESTS);

let issued = 0;
let failed = 0;
async function work(): Promise<void> {
  while (issued < REQUESTS) {
    issued += 1;
    await client.get(scene.page(issued)).catch(() => (failed += 1));
    bar.step();
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, work));
bar.end();

process.stdout.write(`${table(pool.stats(), scene.labels)}\n`);
process.stdout.write(`${REQUESTS - failed} of ${REQUESTS} requests answered, ${failed} failed\n`);
await pool.close();
await scene.close();
process.exitCode = failed === 0 ? 0 : 1;

// Fetches a page through a proxy, closes the pool and ends by itself: for the adapter contract.
import { createPool } from '@fairlead/core';
import { createFetch } from '@fairlead/undici';

const [, , proxy, page] = process.argv;
const pool = createPool({ proxies: [proxy] });
await (await createFetch(pool)(page)).text();
await pool.close();

// Fetches a page through a proxy, closes the pool and ends by itself: for the adapter contract.
import got from 'got';
import { createPool } from '@fairlead/core';
import { gotPool } from '@fairlead/got';

const [, , proxy, page] = process.argv;
const pool = createPool({ proxies: [proxy] });
await got.extend(gotPool(pool))(page);
await pool.close();

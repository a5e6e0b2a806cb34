// Fetches a page through a proxy, closes the pool and ends by itself: for the adapter contract.
import axios from 'axios';
import { createPool } from '@fairlead/core';
import { withPool } from '@fairlead/axios';

const [, , proxy, page] = process.argv;
const pool = createPool({ proxies: [proxy] });
await withPool(axios.create(), pool).get(page);
await pool.close();

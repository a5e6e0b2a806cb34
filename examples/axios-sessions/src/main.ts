// Two shopping carts, each with an exit of its own; one exit dies, and its cart goes on through another.
import { poolInfo, withPool } from '@fairlead/axios';
import { createPool } from '@fairlead/core';
import { startHttpProxy, startTarget } from '@fairlead/lab';
import axios from 'axios';

const shop = await startTarget();
const proxies = await Promise.all([1, 2, 3].map(() => startHttpProxy()));
const pool = createPool({ proxies: proxies.map(({ url }) => url) });
const http = withPool(axios.create({ baseURL: shop.url }), pool);

async function visit(session: string): Promise<string> {
  const answer = await http.get('/echo', { pool: { session } });
  const { endpoint = 'nobody', exitChanged } = poolInfo(answer) ?? {};
  console.log(`${session} by ${endpoint}${exitChanged ? ', a new exit' : ''}`);
  return endpoint;
}

const exits = new Set([await visit('cart-1'), await visit('cart-1'), await visit('cart-1')]);
await visit('cart-2');

const [kept = ''] = exits;
await proxies.find(({ url }) => kept.startsWith(url))?.close();
const moved = await visit('cart-1');

await pool.close();
await Promise.all([shop, ...proxies].map((server) => server.close()));
process.exitCode = exits.size === 1 && moved !== kept ? 0 : 1;

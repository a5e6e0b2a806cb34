// fetch through a pool, with a target that asks to be left alone: the whole pool respects it.
import { createPool } from '@fairlead/core';
import { startHttpProxy, startTarget } from '@fairlead/lab';
import { createFetch, poolInfo } from '@fairlead/undici';

const shop = await startTarget();
const proxies = await Promise.all([1, 2, 3].map(() => startHttpProxy()));
const pool = createPool({ proxies: proxies.map(({ url }) => url) });
const fetch = createFetch(pool);

const pages = await Promise.all([1, 2, 3, 4].map((page) => fetch(`${shop.url}/bytes/1000?page=${page}`)));
for (const page of pages) console.log(page.status, (await page.arrayBuffer()).byteLength, poolInfo(page)?.endpoint);

const busy = await fetch(`${shop.url}/status/429?retry-after=120`);
console.log(busy.status, await busy.text());
const refused: unknown = await fetch(`${shop.url}/status/200`).catch(({ cause }: Error) => cause);
console.log(refused instanceof Error ? refused.message : refused);

await pool.close();
await Promise.all([shop, ...proxies].map((server) => server.close()));
process.exitCode = refused instanceof Error && shop.requests.length === 5 ? 0 : 1;

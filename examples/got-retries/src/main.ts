// got keeps its retries; the pool says through whom. Two of four proxies are broken, and no request fails.
import { createPool } from '@fairlead/core';
import { gotPool, poolInfo } from '@fairlead/got';
import { startFault, startHttpProxy, startTarget } from '@fairlead/lab';
import got from 'got';

const shop = await startTarget();
const proxies = await Promise.all([
  startHttpProxy(),
  startFault('http', 'refuse-tcp'),
  startFault('http', 'status-502'),
  startHttpProxy(),
]);
const pool = createPool({ proxies: proxies.map(({ url }) => url) });
const client = got.extend(gotPool(pool), { throwHttpErrors: false });

let answered = 0;
for (let page = 1; page <= 10; page += 1) {
  const answer = await client(`${shop.url}/status/200?page=${page}`);
  answered += Number(answer.statusCode === 200);
  console.log(`page ${page}: ${answer.statusCode} by ${poolInfo(answer)?.endpoint}, ${answer.retryCount} retries`);
}

// The shop itself is down: both exits that work bring its answer, and the second one is delivered.
const context = { pool: { maxAttempts: 2 } };
const down = await client(`${shop.url}/status/503`, { context });
console.log(`${down.statusCode} after ${poolInfo(down)?.attempts} attempts`);

await pool.close();
await Promise.all([shop, ...proxies].map((server) => server.close()));
process.exitCode = answered === 10 && down.statusCode === 503 ? 0 : 1;

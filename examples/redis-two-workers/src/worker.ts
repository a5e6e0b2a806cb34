import { createPool } from '@fairlead/core';
import { redisStore } from '@fairlead/redis';

const [url = ''] = process.argv.slice(2);
const proxies = ['a', 'b', 'c', 'd'].map((name) => ({ url: `http://${name}.example:8000`, maxInFlight: 2 }));
const store = redisStore({ url, pool: 'example', poolKey: 'both workers know this secret' });
const pool = createPool({ proxies, store });
await pool.ready();

/** What the other process orders, and what comes of it: a line in, a line out. */
const orders: Readonly<Record<string, (word: string) => Promise<unknown>>> = {
  /** One request of a session that goes well; answers the exit. */
  session: (session) => attempt({ session }, 200),
  /** One request that the target answers with 429. */
  refused: () => attempt({}, 429),
  /** Requests that the proxy cannot carry, until it rests; answers its name. */
  failing: async (exit) => {
    const rested: string[] = [];
    const off = pool.on('cooldown', ({ endpoint }) => rested.push(endpoint));
    while (rested.length === 0) {
      const lease = await pool.acquire({
        target: 'https://other.example/',
        exclude: pool
          .stats()
          .endpoints.map(({ id }) => id)
          .filter((id) => id === exit),
      });
      lease.settle({
        kind: 'failure',
        phase: 'proxy-connect',
        code: 'PROXY_CONNECT',
        elapsedMs: 1,
        sent: 'nothing',
        fault: 'endpoint',
      });
    }
    off();
    return rested[0];
  },
  /** Whether the target may be asked at all. */
  mayAsk: async () => {
    try {
      (await pool.acquire({ target: 'https://shop.example/', deadlineMs: 300 })).settle({
        kind: 'response',
        status: 200,
        latencyMs: 5,
      });
      return true;
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
  },
  /** Where an endpoint stands as this worker sees it. */
  standing: async (id) => pool.stats().endpoints.find((endpoint) => endpoint.id === id)?.standing,
};

async function attempt(request: object, status: number): Promise<string> {
  const lease = await pool.acquire({ target: 'https://shop.example/', ...request });
  lease.settle({
    kind: 'response',
    status,
    latencyMs: 20,
    headers: { get: () => (status === 429 ? '60' : undefined) },
  });
  return lease.endpoint.id;
}

process.on('message', async ([order, word]: [string, string]) => process.send!(await orders[order]!(word)));
process.on('disconnect', async () => {
  await pool.close();
  process.exit(0);
});
process.send!('ready');

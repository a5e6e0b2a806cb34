import { createPool, type EndpointId, type Outcome, type Pool, type PoolOptions, type Store } from '@fairlead/core';

/** A store as its tests need it. */
export interface StoreContract {
  /** Names the store in the tests. */
  readonly name: string;
  /** A store for one worker. Those of one place share it, or find what was kept there. */
  readonly open: (place: string) => Store;
  /** What was learned is found again at the next start. */
  readonly keeps: boolean;
  /** Several workers may have the place at once, with one limit over all. */
  readonly shares: boolean;
}

export const target = 'https://shop.example/';
export const ok: Outcome = { kind: 'response', status: 200, latencyMs: 80 };
export const dead: Outcome = {
  kind: 'failure',
  phase: 'proxy-connect',
  code: 'PROXY_CONNECT',
  elapsedMs: 1,
  sent: 'nothing',
  fault: 'endpoint',
};
/** Long after anything that is on its way has arrived; nothing waits for it. */
const PATIENCE_MS = 20_000;

let places = 0;

/** A place that stores are opened at, one for each worker. */
export class Workplace {
  readonly #contract: StoreContract;
  readonly #place: string;
  readonly #pools: Pool[] = [];

  constructor(contract: StoreContract) {
    places += 1;
    this.#contract = contract;
    this.#place = `contract${process.pid}-${places}`;
  }

  /** A pool over a store of the place. */
  async worker(options: Partial<PoolOptions> = {}): Promise<Pool> {
    const proxies = ['a', 'b', 'c', 'd'].map((name) => ({
      url: `http://user:canary@${name}.example:1`,
      maxInFlight: 2,
    }));
    const store = this.#contract.open(this.#place);
    const pool = createPool({ proxies, deadlineMs: PATIENCE_MS, ...options, store });
    this.#pools.push(pool);
    await pool.ready();
    return pool;
  }

  async close(): Promise<void> {
    for (const pool of this.#pools) await pool.close();
  }
}

/** One attempt from its beginning to its end. */
export async function use(pool: Pool, outcome: Outcome = ok, request: object = {}): Promise<EndpointId> {
  const lease = await pool.acquire({ target, ...request });
  lease.settle(outcome);
  return lease.endpoint.id;
}

/** Resolves at the next event of the kind. */
export function heard(pool: Pool, event: 'suspended' | 'cooldown' | 'target-resumed'): Promise<void> {
  return new Promise((resolve) => {
    const off = pool.on(event, () => {
      off();
      resolve();
    });
  });
}

/** Asks again until the answer is the wanted one: what others know comes when it comes. */
export async function until<T>(ask: () => T, wanted: T): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (ask() !== wanted && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
}

import {
  createPool,
  type EndpointId,
  type Pool,
  type PoolOptions,
  type ProxyInput,
  type Verdict,
} from '@fairlead/core';
import {
  certificates,
  startFault,
  startHttpProxy,
  startTarget,
  type FaultName,
  type LabServer,
  type ProxyServer,
} from '@fairlead/lab';
import type { AdapterContract, ContractClient, ContractOptions } from './contract-client.js';

/** What may show nowhere. */
export const CANARY = { user: 'canary-user', password: 'canary-pass' };

/** One lease as the pool told of it. */
export interface LeaseRecord {
  readonly endpoint: EndpointId;
  readonly verdicts: Verdict[];
}

/** A pool, a client over it, and what became of their leases. */
export class Scene {
  readonly pool: Pool;
  readonly client: ContractClient;
  readonly leases = new Map<number, LeaseRecord>();
  readonly #waiting: (() => void)[] = [];

  constructor(
    contract: AdapterContract,
    proxies: readonly ProxyInput[],
    options: PoolOptions,
    own: ContractOptions['own'],
  ) {
    this.pool = createPool({ ...options, proxies });
    this.pool.on('leased', ({ leaseId, endpoint }) => void this.leases.set(leaseId, { endpoint, verdicts: [] }));
    this.pool.on('settled', ({ leaseId, verdict }) => {
      this.leases.get(leaseId)?.verdicts.push(verdict);
      for (const look of this.#waiting) look();
    });
    this.client = contract.makeClient(this.pool, { ca: certificates().ca, own });
  }

  get endpoints(): readonly EndpointId[] {
    return [...this.leases.values()].map(({ endpoint }) => endpoint);
  }

  /** The verdicts of all leases, once every one of them is settled; a lease without one, or with two, is an error. */
  async verdicts(): Promise<readonly Verdict[]> {
    await this.#until(() => [...this.leases.values()].every(({ verdicts }) => verdicts.length > 0));
    const all = [...this.leases.values()].map(({ verdicts }) => verdicts);
    if (all.some(({ length }) => length !== 1)) throw new Error('a lease was settled more than once');
    const { inFlight } = this.pool.stats();
    if (inFlight !== 0) throw new Error(`${inFlight} places are still taken`);
    return all.flat();
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => void (holds() && resolve());
      this.#waiting.push(look);
      look();
    });
  }
}

/** The lab of one test: whatever it starts is closed at its end. */
export class World {
  readonly #contract: AdapterContract;
  readonly #open: { close(): Promise<void> }[] = [];

  constructor(contract: AdapterContract) {
    this.#contract = contract;
  }

  target(options: Parameters<typeof startTarget>[0] = {}): ReturnType<typeof startTarget> {
    return this.#keep(startTarget(options));
  }

  proxy(options: Parameters<typeof startHttpProxy>[0] = {}): Promise<ProxyServer> {
    return this.#keep(startHttpProxy({ credentials: CANARY, ...options }));
  }

  proxies(count: number): Promise<ProxyServer[]> {
    return Promise.all(Array.from({ length: count }, () => this.proxy()));
  }

  /** An HTTP proxy that misbehaves as named. */
  fault(name: FaultName<'http'>): Promise<LabServer> {
    return this.#keep(startFault('http', name, { credentials: CANARY }));
  }

  /** A SOCKS proxy with a password that misbehaves as named. */
  socksFault(name: FaultName<'socks5'>): Promise<LabServer> {
    return this.#keep(startFault('socks5', name, { credentials: CANARY }));
  }

  scene(
    proxies: readonly (LabServer | ProxyInput)[],
    options: PoolOptions = {},
    own: ContractOptions['own'] = {},
  ): Scene {
    const inputs = proxies.map((proxy) => (typeof proxy === 'object' && 'connections' in proxy ? proxy.url : proxy));
    const scene = new Scene(this.#contract, inputs, options, own);
    this.#open.push(scene.pool);
    return scene;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((server) => server.close()));
  }

  async #keep<T extends LabServer>(starting: Promise<T>): Promise<T> {
    const server = await starting;
    this.#open.push(server);
    return server;
  }
}

/** The code that says what happened: libraries wrap our errors in theirs. */
export function codesOf(error: unknown): readonly string[] {
  const codes: string[] = [];
  let next: unknown = error;
  while (typeof next === 'object' && next !== null && codes.length < 8) {
    const { code, cause }: { code?: unknown; cause?: unknown } = next;
    if (typeof code === 'string') codes.push(code);
    next = cause;
  }
  return codes;
}

/** The error that a promise rejects with; an answer is an error of the test's. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  let answer: unknown;
  try {
    answer = await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure, got an answer', { cause: answer });
}

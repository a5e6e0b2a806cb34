import type { EndpointId, LeaseRequest, Run } from '@fairlead/core';

/** What one request may ask of the pool. The rest is read from the request itself. */
export type PoolRequest = Omit<LeaseRequest, 'target' | 'method' | 'signal'>;

declare module 'axios' {
  interface AxiosRequestConfig {
    /** How the pool is to carry this request; `false` goes without it, where the attachment allows direct connections. */
    pool?: PoolRequest | false;
  }
}

/**
 * The same request with a memory: axios copies plain objects when a config is issued again, as axios-retry does, and hands
 * instances of a class on as they are.
 */
export class RememberedRequest {
  readonly #tried = new Set<EndpointId>();

  static of(request: PoolRequest | undefined): RememberedRequest & PoolRequest {
    return request instanceof RememberedRequest ? request : Object.assign(new RememberedRequest(), request);
  }

  /** What the caller asked for, and whom an earlier issue failed with. */
  terms(): PoolRequest {
    const own: PoolRequest = { ...(this as RememberedRequest & PoolRequest) };
    return this.#tried.size === 0 ? own : { ...own, avoid: [...this.#tried] };
  }

  failed({ tried }: Run): void {
    for (const endpoint of tried) this.#tried.add(endpoint);
  }

  succeeded(): void {
    this.#tried.clear();
  }
}

import type { EndpointId, PoolRequest, Run } from '@fairlead/core';

/**
 * The same request with a memory: axios copies plain objects when a config is issued again, as axios-retry does, and hands
 * instances of a class on as they are.
 */
export class RememberedRequest {
  #tried: readonly EndpointId[] = NOBODY;

  static of(request: PoolRequest | undefined): RememberedRequest & PoolRequest {
    return request instanceof RememberedRequest ? request : Object.assign(new RememberedRequest(), request);
  }

  /** What the caller asked for, and whom an earlier issue failed with. */
  terms(): PoolRequest {
    const own: PoolRequest = { ...(this as RememberedRequest & PoolRequest) };
    return this.#tried.length === 0 ? own : { ...own, avoid: this.#tried };
  }

  failed({ tried }: Run): void {
    this.#tried = [...new Set([...this.#tried, ...tried])];
  }

  succeeded(): void {
    this.#tried = NOBODY;
  }
}

const NOBODY: readonly EndpointId[] = [];

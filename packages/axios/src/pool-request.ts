import type { EndpointId, PoolRequest, Run } from '@fairlead/core';

/**
 * The same request with a memory: axios copies plain objects when a config is issued again, as axios-retry does, and hands
 * instances of a class on as they are.
 */
export class RememberedRequest {
  readonly #asked: PoolRequest | undefined;
  #tried: readonly EndpointId[] = NOBODY;

  constructor(asked: PoolRequest | undefined) {
    this.#asked = asked;
    // For interceptors that read what they wrote. Names that are not the pool's must not hide a method of this.
    Object.assign(this, Object.fromEntries(Object.entries(asked ?? {}).filter(([name]) => !(name in this))));
  }

  static of(request: PoolRequest | undefined): RememberedRequest & PoolRequest {
    return request instanceof RememberedRequest ? request : new RememberedRequest(request);
  }

  /** What the caller asked for. */
  terms(): PoolRequest {
    const own: Record<string, unknown> = { ...this.#asked };
    // What an interceptor has changed meanwhile counts; a name that this has itself is the pool's to refuse.
    for (const [name, value] of Object.entries(this)) own[name] = value;
    return own;
  }

  /** Whom earlier issues failed with. */
  get tried(): readonly EndpointId[] {
    return this.#tried;
  }

  failed({ tried }: Run): void {
    this.#tried = [...new Set([...this.#tried, ...tried])];
  }

  succeeded(): void {
    this.#tried = NOBODY;
  }
}

const NOBODY: readonly EndpointId[] = [];

import type { EndpointId, Run } from '@fairlead/core';

/** Whom earlier dispatches of one request failed with: undici's retry interceptor comes again with the same handler. */
export class Memory {
  readonly #tried = new WeakMap<object, readonly EndpointId[]>();

  of(handler: object): readonly EndpointId[] | undefined {
    return this.#tried.get(handler);
  }

  failed(handler: object, { tried, request }: Run): void {
    this.#tried.set(handler, [...(request.avoid ?? []), ...tried]);
  }
}

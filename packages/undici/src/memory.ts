import type { EndpointId, Lease, LeaseRequest, Run } from '@fairlead/core';

interface Dispatched {
  readonly tried: readonly EndpointId[];
  /** Of the answer it ended with, if it did. */
  readonly lease: Lease | undefined;
}

/** Whom earlier dispatches of one request failed with: undici's retry interceptor comes again with the same handler. */
export class Memory {
  readonly #last = new WeakMap<object, Dispatched>();

  of(handler: object): Pick<LeaseRequest, 'avoid'> {
    const last = this.#last.get(handler);
    // An answer may be one that an interceptor above takes for a failure: what the pool says of it decides.
    const verdict = last?.lease?.verdict;
    return last === undefined || verdict === 'success' || verdict === 'final' ? {} : { avoid: last.tried };
  }

  ended(handler: object, { tried, request }: Run, lease?: Lease): void {
    this.#last.set(handler, { tried: [...(request.avoid ?? []), ...tried], lease });
  }
}

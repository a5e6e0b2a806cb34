import type { EndpointId, LeaseRequest, PoolRequest } from '@fairlead/core';

/** What a client library's request says by itself. */
export interface Said {
  readonly target: string;
  readonly method: string | undefined;
  readonly signal: AbortSignal;
  /** Whom earlier tries of the same request failed with: left alone while others can serve. */
  readonly tried: readonly EndpointId[] | undefined;
  /** Its body can be read once: it is sent once, whatever the caller allows. */
  readonly isOnce: boolean;
}

/**
 * What the pool is asked for: the caller's terms, and over them what the request says. Set one by one, for V8 gives each object
 * that begins as a copy and is then added to a shape of its own, which costs more than to choose an endpoint.
 */
export function leaseRequestOf(asked: PoolRequest | false | undefined, said: Said): LeaseRequest {
  const { target, method, signal, tried = NOBODY, isOnce } = said;
  const request: { -readonly [K in keyof LeaseRequest]: LeaseRequest[K] } = { target, signal, ...(asked || undefined) };
  request.target = target;
  request.signal = signal;
  if (method !== undefined) request.method = method;
  if (tried.length > 0) request.avoid = tried;
  if (isOnce) request.idempotent = false;
  return request;
}

const NOBODY: readonly EndpointId[] = [];

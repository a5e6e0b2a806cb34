import type { LeaseRequest } from '@fairlead/core';
import type { AgentCacheOptions } from '@fairlead/dial';
import type { Options } from 'got';

/** As much of got's options as is read and set here: hooks and handlers see two types of them. */
export type GotOptions = Pick<
  Options,
  | 'agent'
  | 'body'
  | 'context'
  | 'enableUnixSockets'
  | 'followRedirect'
  | 'http2'
  | 'isStream'
  | 'method'
  | 'request'
  | 'signal'
  | 'url'
>;

/** What one request may ask of the pool. The rest is read from the request itself. */
export type PoolRequest = Omit<LeaseRequest, 'target' | 'method' | 'signal'>;

/** What stands in got's `context`: `satisfies PoolContext` checks it. */
export interface PoolContext {
  /** How the pool is to carry the request; `false` goes without it, where direct connections are allowed. */
  readonly pool?: PoolRequest | false;
}

export interface GotPoolOptions extends AgentCacheOptions {
  /** Lets `pool: false` send a request without any proxy; otherwise that is an error. @default false */
  readonly allowDirect?: boolean;
  /** How much of each answer's body the pool's `classify` may see; not of streams. @default 0 */
  readonly bodyBytes?: number;
}

/** The defaults of `GotPoolOptions`, in one place; for the rest see `AGENT_CACHE_DEFAULTS`. */
export const GOT_POOL_DEFAULTS = Object.freeze({ allowDirect: false, bodyBytes: 0 });

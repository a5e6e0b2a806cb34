import type { PoolRequest } from '@fairlead/core';
import type { Options } from 'got';

/** As much of got's options as is read and set here: hooks and handlers see two types of them. */
export type GotOptions = Pick<
  Options,
  | 'agent'
  | 'body'
  | 'context'
  | 'enableUnixSockets'
  | 'followRedirect'
  | 'getRequestFunction'
  | 'headers'
  | 'http2'
  | 'isStream'
  | 'method'
  | 'request'
  | 'signal'
  | 'timeout'
  | 'url'
>;

/** What stands in got's `context`: `satisfies PoolContext` checks it. */
export interface PoolContext {
  /** How the pool is to carry the request; `false` goes without it, where direct connections are allowed. */
  readonly pool?: PoolRequest | false;
}

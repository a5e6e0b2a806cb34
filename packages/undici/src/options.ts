import type { LeaseRequest } from '@fairlead/core';
import type { AGENT_CACHE_DEFAULTS, ReusePolicy, TargetTlsOptions } from '@fairlead/dial';
import type { Agent } from 'undici';

/** What one request may ask of the pool. The rest is read from the request itself. */
export type PoolRequest = Omit<LeaseRequest, 'target' | 'method' | 'signal'>;

/** Of dispatch options: how the pool is to carry the request; `false` goes without it, where direct connections are allowed. */
export interface Pooled {
  readonly pool?: PoolRequest | false;
}

export interface PoolDispatcherOptions {
  /** Lets `pool: false` send a request without any proxy; otherwise that is an error. @default false */
  readonly allowDirect?: boolean;
  /** Whom a kept tunnel may serve: see `AGENT_CACHE_DEFAULTS`. @default 'endpoint' */
  readonly reuse?: ReusePolicy;
  /** Most dispatchers kept, one for an endpoint or one for a session on it. @default 1000 */
  readonly maxAgents?: number;
  /** TLS to the target, such as `ca`. */
  readonly tls?: TargetTlsOptions;
  /** For the undici agents of the endpoints. @default {} */
  readonly agent?: Omit<Agent.Options, 'connect' | 'factory' | 'allowH2'>;
}

/** The defaults of `PoolDispatcherOptions`, in one place. */
export const POOL_DISPATCHER_DEFAULTS = Object.freeze({
  allowDirect: false,
  reuse: 'endpoint',
  maxAgents: 1000,
} satisfies PoolDispatcherOptions & typeof AGENT_CACHE_DEFAULTS);

import type { PoolRequest } from '@fairlead/core';
import {
  CLIENT_DEFAULTS,
  CLIENT_OPTION_KEYS,
  type AGENT_CACHE_DEFAULTS,
  type ClientOptions,
  type ReusePolicy,
  type TargetTlsOptions,
} from '@fairlead/dial';
import type { Agent } from 'undici';

/** Of dispatch options: how the pool is to carry the request; `false` goes without it, where direct connections are allowed. */
export interface Pooled {
  readonly pool?: PoolRequest | false;
}

/** Has the `pool` of a request's options checked, which undici's own types do not know: `request(url, pooled({ … }))`. */
export function pooled<T extends object>(options: T & Pooled): T {
  return options;
}

export interface PoolDispatcherOptions extends ClientOptions {
  /** Whom a kept tunnel may serve: see `AGENT_CACHE_DEFAULTS`. @default 'endpoint' */
  readonly reuse?: ReusePolicy;
  /** Most dispatchers kept, one for an endpoint or one for a session on it. @default 1000 */
  readonly maxAgents?: number;
  /** TLS to the target, such as `ca`. */
  readonly tls?: TargetTlsOptions;
  /** For the undici agents of the endpoints. @default {} */
  readonly agent?: Omit<Agent.Options, 'connect' | 'factory' | 'allowH2'>;
}

/** Every key of `PoolDispatcherOptions`. */
export const KEYS = [
  ...CLIENT_OPTION_KEYS,
  'reuse',
  'maxAgents',
  'tls',
  'agent',
] as const satisfies readonly (keyof PoolDispatcherOptions)[];

/** The defaults of `PoolDispatcherOptions`, in one place. */
export const POOL_DISPATCHER_DEFAULTS = Object.freeze({
  ...CLIENT_DEFAULTS,
  reuse: 'endpoint',
  maxAgents: 1000,
} satisfies PoolDispatcherOptions & typeof AGENT_CACHE_DEFAULTS);

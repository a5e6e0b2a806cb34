import type { Pool, PoolRequest } from '@fairlead/core';
import { agentClient, directRefused, type AgentClientOptions } from '@fairlead/dial';
import type { AxiosAdapter, AxiosInstance, InternalAxiosRequestConfig } from 'axios';
import { bypassOf, innerAdapter } from './bypass.js';
import { carry } from './carry.js';
import { RememberedRequest } from './pool-request.js';

declare module 'axios' {
  interface AxiosRequestConfig {
    /** How the pool is to carry this request; `false` goes without it, where the attachment allows direct connections. */
    pool?: PoolRequest | false;
  }
}

/** A pool on an axios instance. The numbers are those that `interceptors.request.eject` and `.response.eject` take. */
export interface Attachment {
  readonly request: number;
  readonly response: number;
  /** Ejects both: later requests go as they went before. */
  detach(): void;
}

/** Sends every request of `instance` through the pool, and answers the same instance. */
export function withPool(instance: AxiosInstance, pool: Pool, options: AgentClientOptions = {}): AxiosInstance {
  attachPool(instance, pool, options);
  return instance;
}

/** The same by two interceptors, for those who want to take the pool off again. */
export function attachPool(instance: AxiosInstance, pool: Pool, options: AgentClientOptions = {}): Attachment {
  const client = agentClient(pool, options);

  const wrap = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => {
    unwrap(config);
    if (config.pool === false) return client.allowDirect ? config : Object.assign(config, { adapter: refusing });
    const { adapter } = config;
    const inner = innerAdapter(adapter);
    const carrying: AxiosAdapter = async (last) => {
      // Interceptors of the user's may have run in between: only now is the config what will be sent.
      if (typeof inner !== 'function') throw inner;
      const bypass = bypassOf(last);
      if (bypass !== undefined) throw bypass;
      return carry(last, { ...client, inner });
    };
    const wrapped: Wrapped = Object.assign(carrying, { [UNDER]: adapter });
    return Object.assign(config, { adapter: wrapped, pool: RememberedRequest.of(config.pool) });
  };
  // Synchronous, or the user's synchronous interceptors would become asynchronous by ours. It must not throw: axios sends
  // the request all the same when a synchronous interceptor does.
  const request = instance.interceptors.request.use(wrap, null, { synchronous: true });
  const response = instance.interceptors.response.use(
    (answer) => {
      unwrap(answer.config);
      return answer;
    },
    (error: unknown) => {
      unwrap((Object(error) as { config?: InternalAxiosRequestConfig }).config);
      throw error;
    },
  );
  const detach = (): void => {
    instance.interceptors.request.eject(request);
    instance.interceptors.response.eject(response);
  };
  return { request, response, detach };
}

/** Whom a wrapped adapter stands for, so that a config that is issued again is not wrapped twice. */
const UNDER: unique symbol = Symbol('under');

interface Wrapped extends AxiosAdapter {
  readonly [UNDER]: InternalAxiosRequestConfig['adapter'];
}

function unwrap(config: InternalAxiosRequestConfig | undefined): void {
  const { adapter }: { adapter?: unknown } = Object(config);
  if (typeof adapter === 'function' && UNDER in adapter)
    Object.assign(config!, { adapter: (adapter as Wrapped)[UNDER] });
}

function refusing(): Promise<never> {
  return Promise.reject(directRefused());
}

import type { Pool } from '@fairlead/core';
import { createAgentCache } from '@fairlead/dial';
import type { AxiosAdapter, AxiosInstance, InternalAxiosRequestConfig } from 'axios';
import { bypassOf, directRefused, innerAdapter } from './bypass.js';
import { carry } from './carry.js';
import { ATTACH_DEFAULTS, type AttachOptions } from './options.js';
import { RememberedRequest } from './pool-request.js';

/** A pool on an axios instance. The numbers are those that `interceptors.request.eject` and `.response.eject` take. */
export interface Attachment {
  readonly request: number;
  readonly response: number;
  /** Ejects both: later requests go as they went before. */
  detach(): void;
}

/** Sends every request of `instance` through the pool, and answers the same instance. */
export function withPool(instance: AxiosInstance, pool: Pool, options: AttachOptions = {}): AxiosInstance {
  attachPool(instance, pool, options);
  return instance;
}

/** The same by two interceptors, for those who want to take the pool off again. */
export function attachPool(instance: AxiosInstance, pool: Pool, options: AttachOptions = {}): Attachment {
  const { allowDirect, bodyBytes, ...kept } = { ...ATTACH_DEFAULTS, ...options };
  const agents = createAgentCache(kept);
  pool.on('removed', ({ endpoint }) => agents.retire(endpoint.id));
  pool.on('closed', () => agents.close());
  /** Whom each wrapped adapter stands for, so that a config that is issued again is not wrapped twice. */
  const under = new WeakMap<AxiosAdapter, InternalAxiosRequestConfig['adapter']>();

  const wrap = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => {
    unwrap(config);
    if (config.pool === false) return allowDirect ? config : Object.assign(config, { adapter: directRefused });
    const { adapter } = config;
    const inner = innerAdapter(adapter);
    const carrying: AxiosAdapter = async (last) => {
      // Interceptors of the user's may have run in between: only now is the config what will be sent.
      if (typeof inner !== 'function') throw inner;
      const bypass = bypassOf(last);
      if (bypass !== undefined) throw bypass;
      return carry(last, { pool, inner, agents, bodyBytes });
    };
    under.set(carrying, adapter);
    return Object.assign(config, { adapter: carrying, pool: RememberedRequest.of(config.pool) });
  };
  const unwrap = (config: InternalAxiosRequestConfig | undefined): void => {
    if (typeof config?.adapter !== 'function' || !under.has(config.adapter)) return;
    Object.assign(config, { adapter: under.get(config.adapter) });
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

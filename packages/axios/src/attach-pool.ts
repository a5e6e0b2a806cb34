import { ConfigurationError, type Pool, type PoolRequest } from '@fairlead/core';
import { agentClient, type AgentClient, type AgentClientOptions } from '@fairlead/dial';
import type { AxiosInstance, InternalAxiosRequestConfig } from 'axios';
import { baseOf, carrying, carryingDefault, type Base } from './carrying-adapter.js';
import { guardEnds } from './guard.js';

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
  /** Takes the pool off: later requests go as they went before. Instances created meanwhile keep it. */
  detach(): void;
}

/** Sends every request of `instance`, and of instances created from it, through the pool, and answers the same instance. */
export function withPool(instance: AxiosInstance, pool: Pool, options: AgentClientOptions = {}): AxiosInstance {
  attachPool(instance, pool, options);
  return instance;
}

/** The same by two interceptors, for those who want to take the pool off again. */
export function attachPool(instance: AxiosInstance, pool: Pool, options: AgentClientOptions = {}): Attachment {
  if (attached.has(instance)) {
    throw new ConfigurationError('INVALID_OPTION', 'instance', 'has a pool already: detach that one first');
  }
  inherited.get(instance)?.detach();
  attached.add(instance);
  const attachment = attach(instance, () => agentClient(pool, options));
  const detach = (): void => {
    attached.delete(instance);
    attachment.detach();
  };
  return { ...attachment, detach };
}

/** Instances that somebody attached a pool to. */
const attached = new WeakSet<AxiosInstance>();
/** Instances that have the pool of the one they were created from. */
const inherited = new WeakMap<AxiosInstance, Attachment>();

function attach(instance: AxiosInstance, open: () => AgentClient): Attachment {
  const client = open();
  const { defaults, interceptors } = instance;
  const before: Base = baseOf(defaults.adapter);
  /** Where no interceptor of ours is heard, as in a chain that broke, the defaults still lead through the pool. */
  const own = carryingDefault(before, client, () => guard.ejected);
  const wrap = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => {
    const base = baseOf(config.adapter);
    return Object.assign(config, { adapter: base === before ? own : carrying(base, client) });
  };
  const guard = guardEnds(interceptors.request, wrap);
  const response = interceptors.response.use(
    (answer) => {
      unwrap(answer.config);
      return answer;
    },
    (error: unknown) => {
      unwrap((Object(error) as { config?: InternalAxiosRequestConfig }).config);
      throw error;
    },
  );
  /** A config names the adapter that its sender chose. The default one stays: whoever sends it again means the pool. */
  const unwrap = (config: InternalAxiosRequestConfig | undefined): void => {
    if (config !== undefined && config.adapter !== own) Object.assign(config, { adapter: baseOf(config.adapter) });
  };
  defaults.adapter = own;
  const { create } = instance;
  instance.create = (config) => {
    const child = create(config);
    if (!guard.ejected) inherited.set(child, attach(child, open));
    return child;
  };
  const detach = (): void => {
    guard.eject();
    interceptors.response.eject(response);
    instance.create = create;
    if (defaults.adapter === own) Object.assign(defaults, { adapter: before });
    client.release();
  };
  return { request: guard.number, response, detach };
}

import type { Endpoint, EndpointId } from '@fairlead/core';
import { reuseKey, undiciConnector } from '@fairlead/dial';
import { Agent } from 'undici';
import { POOL_DISPATCHER_DEFAULTS, type PoolDispatcherOptions } from './options.js';

/** An undici agent for one lease. */
export interface LeasedAgent {
  readonly agent: Agent;
  /** Says that the lease is over: a connection that nobody else may use is closed. */
  release(): void;
}

/** undici agents by endpoint, or by session on it; the one unused for longest goes first. */
export class EndpointAgents {
  /** In order of use, oldest first: a Map keeps the order of insertion. */
  readonly #kept = new Map<string, { readonly agent: Agent; readonly endpoint: EndpointId }>();
  readonly #options: PoolDispatcherOptions;

  constructor(options: PoolDispatcherOptions) {
    this.#options = options;
  }

  lease(endpoint: Endpoint, session: string | undefined): LeasedAgent {
    const { reuse = POOL_DISPATCHER_DEFAULTS.reuse } = this.#options;
    const key = reuseKey(endpoint, reuse, session);
    if (key === undefined) {
      const agent = this.#create(endpoint);
      return { agent, release: () => letGo(agent) };
    }
    return { agent: this.#keep(`${endpoint.id}\u0000${key}`, endpoint), release: () => undefined };
  }

  /** The endpoint has left: its connections close as they fall idle. */
  retire(gone: EndpointId): void {
    for (const [key, { agent, endpoint }] of this.#kept) {
      if (endpoint !== gone) continue;
      this.#kept.delete(key);
      letGo(agent);
    }
  }

  close(): void {
    for (const { agent } of this.#kept.values()) letGo(agent);
    this.#kept.clear();
  }

  #keep(key: string, endpoint: Endpoint): Agent {
    const kept = this.#kept.get(key) ?? { agent: this.#create(endpoint), endpoint: endpoint.id };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const { maxAgents = POOL_DISPATCHER_DEFAULTS.maxAgents } = this.#options;
    const [oldest] = this.#kept;
    if (this.#kept.size > maxAgents && oldest !== undefined) {
      this.#kept.delete(oldest[0]);
      letGo(oldest[1].agent);
    }
    return kept.agent;
  }

  #create(endpoint: Endpoint): Agent {
    const { tls, agent } = this.#options;
    return new Agent({ ...agent, connect: undiciConnector(endpoint, tls === undefined ? {} : { tls }) });
  }
}

/** Running requests finish; nobody waits for that. */
function letGo(agent: Agent): void {
  agent.close().catch(() => undefined);
}

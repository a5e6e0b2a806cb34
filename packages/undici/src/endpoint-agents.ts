import type { Endpoint, EndpointId } from '@fairlead/core';
import { AgentKeeper, reuseKey, sessionOf, undiciConnector, type Tracker } from '@fairlead/dial';
import { Agent } from 'undici';
import { POOL_DISPATCHER_DEFAULTS, type PoolDispatcherOptions } from './options.js';

/** An undici agent for one lease. */
export interface LeasedAgent {
  readonly agent: Agent;
  /** Says that the lease is over, where nobody else may use its connections. */
  readonly release?: () => void;
}

/** As much of the options as makes agents different. */
export type EndpointAgentOptions = Omit<PoolDispatcherOptions, 'allowDirect' | 'bodyBytes' | 'headers'> & {
  /** Hears of every socket. */
  readonly traffic?: Tracker;
};

/** undici agents by endpoint, or by session on it. */
export class EndpointAgents {
  readonly #keeper: AgentKeeper<Agent>;
  readonly #options: EndpointAgentOptions;

  constructor(options: EndpointAgentOptions) {
    this.#options = options;
    const { maxAgents = POOL_DISPATCHER_DEFAULTS.maxAgents } = options;
    this.#keeper = new AgentKeeper(maxAgents, (endpoint, key) => this.#create(endpoint, sessionOf(key)), letGo);
  }

  lease(endpoint: Endpoint, session: string | undefined): LeasedAgent {
    const { reuse = POOL_DISPATCHER_DEFAULTS.reuse } = this.#options;
    const key = reuseKey(endpoint, reuse, session);
    if (key !== undefined) return { agent: this.#keeper.get(endpoint, key) };
    const agent = this.#create(endpoint, session);
    return { agent, release: () => letGo(agent) };
  }

  /** The endpoint has left: its connections close as they fall idle. */
  retire(endpoint: EndpointId): void {
    this.#keeper.retire(endpoint);
  }

  close(): void {
    this.#keeper.close();
  }

  #create(endpoint: Endpoint, session: string | undefined): Agent {
    const { tls, agent, traffic } = this.#options;
    const connect = undiciConnector(endpoint, {
      ...(tls === undefined ? {} : { tls }),
      ...(session === undefined ? {} : { session }),
      ...(traffic === undefined ? {} : { traffic }),
    });
    return new Agent({ ...agent, connect });
  }
}

/** Running requests finish; nobody waits for that. */
function letGo(agent: Agent): void {
  agent.close().catch(() => undefined);
}

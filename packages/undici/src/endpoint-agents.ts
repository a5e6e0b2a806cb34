import type { Endpoint, EndpointId } from '@fairlead/core';
import { AgentKeeper, reuseKey, sessionOf, undiciConnector, type Tracker } from '@fairlead/dial';
import { Agent } from 'undici';
import { EndpointAgent } from './endpoint-agent.js';
import { POOL_DISPATCHER_DEFAULTS, type PoolDispatcherOptions } from './options.js';

/** As much of the options as makes agents different. */
export type EndpointAgentOptions = Omit<PoolDispatcherOptions, 'allowDirect' | 'bodyBytes' | 'headers'> & {
  /** Hears of every socket. */
  readonly traffic?: Tracker;
};

/** undici agents by endpoint, or by session on it. */
export class EndpointAgents {
  readonly #keeper: AgentKeeper<EndpointAgent>;
  readonly #options: EndpointAgentOptions;

  constructor(options: EndpointAgentOptions) {
    this.#options = options;
    const { maxAgents = POOL_DISPATCHER_DEFAULTS.maxAgents } = options;
    this.#keeper = new AgentKeeper(maxAgents, (endpoint, key) => this.#create(endpoint, sessionOf(key)), letGo);
  }

  /** For one attempt. */
  lease(endpoint: Endpoint, session: string | undefined): EndpointAgent {
    const { reuse = POOL_DISPATCHER_DEFAULTS.reuse } = this.#options;
    const key = reuseKey(endpoint, reuse, session);
    return key === undefined ? this.#create(endpoint, session, 'once') : this.#keeper.get(endpoint, key);
  }

  /** The endpoint has left: its connections close as they fall idle. */
  retire(endpoint: EndpointId): void {
    this.#keeper.retire(endpoint);
  }

  close(): void {
    this.#keeper.close();
  }

  #create(endpoint: Endpoint, session: string | undefined, use?: 'once'): EndpointAgent {
    const { tls, agent, traffic } = this.#options;
    const connect = undiciConnector(endpoint, {
      ...(tls === undefined ? {} : { tls }),
      ...(session === undefined ? {} : { session }),
      ...(traffic === undefined ? {} : { traffic }),
    });
    return new EndpointAgent(new Agent({ ...agent, connect }), use);
  }
}

function letGo(agent: EndpointAgent): void {
  agent.letGo();
}

import type { Agent as HttpAgent, ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { checkKeys } from '@fairlead/core';
import { internals, type ConnectionOptions } from './agent-internals.js';
import { markTunnelling } from './carrier.js';
import { checkDialSettings } from './dial.js';

/** The two agents that axios, got and Node's own client take. */
export interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** What one lease adds to agents that it shares with others. */
export interface LeaseTerms {
  /** The dial's deadline in place of the agents' own. */
  readonly timeoutMs?: number;
  /** Under which session its bytes are counted. */
  readonly session?: string;
  /** Hears of each request that is sent under the lease. */
  readonly onRequest?: (request: ClientRequest) => void;
}

/** Every key of `LeaseTerms`. */
export const LEASE_TERM_KEYS = ['timeoutMs', 'session', 'onRequest'] as const satisfies readonly (keyof LeaseTerms)[];

export function checkTerms(lease: LeaseTerms, keys: readonly string[]): void {
  checkKeys(lease, keys, '');
  checkDialSettings(lease);
}

/** The same agents and connections, under the terms of one lease. Cheap enough for every request. */
export function leaseAgents(agents: Agents, lease: LeaseTerms): Agents {
  checkTerms(lease, LEASE_TERM_KEYS);
  return termedAgents(agents, lease);
}

/** The same for terms that have been looked at. */
export function termedAgents({ http, https }: Agents, lease: LeaseTerms): Agents {
  return {
    http: new LeaseAgent(http, lease) as unknown as HttpAgent,
    https: new LeaseAgent(https, lease) as unknown as HttpsAgent,
  };
}

/** The terms that a request is sent under. Node keeps the agent that a request was given on it. */
export function termsOf(request: ClientRequest): LeaseTerms | undefined {
  const { agent } = request as { agent?: unknown };
  return agent instanceof LeaseAgent ? LeaseAgent.termsOf(agent) : undefined;
}

/** As much of an agent as Node's client looks at; connections and all else are the shared agent's. */
class LeaseAgent {
  readonly #agent: HttpAgent;
  readonly #lease: LeaseTerms;

  constructor(agent: HttpAgent, lease: LeaseTerms) {
    this.#agent = agent;
    this.#lease = lease;
  }

  static termsOf(agent: LeaseAgent): LeaseTerms {
    return agent.#lease;
  }

  get protocol(): string {
    return internals(this.#agent).protocol;
  }

  get defaultPort(): number {
    return internals(this.#agent).defaultPort;
  }

  get keepAlive(): boolean {
    return internals(this.#agent).keepAlive;
  }

  get maxSockets(): number {
    return this.#agent.maxSockets;
  }

  get options(): object {
    return (this.#agent as { readonly options?: object }).options ?? {};
  }

  get sockets(): HttpAgent['sockets'] {
    return this.#agent.sockets;
  }

  get freeSockets(): HttpAgent['freeSockets'] {
    return this.#agent.freeSockets;
  }

  get requests(): HttpAgent['requests'] {
    return this.#agent.requests;
  }

  addRequest(request: ClientRequest, options: ConnectionOptions): void {
    this.#lease.onRequest?.(request);
    internals(this.#agent).addRequest(request, options);
  }

  /** Nothing: others use the connections. A lease that has its own ends with `LeasedAgents.close`. */
  destroy(): void {}
}

// Node's agent in kind, without what its constructor builds: a request has two of them and needs none of that.
Object.setPrototypeOf(LeaseAgent.prototype, HttpsAgent.prototype);
markTunnelling(LeaseAgent);

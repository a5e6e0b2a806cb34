import { EventEmitter } from 'node:events';
import type { Agent as HttpAgent, ClientRequest } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { markTunnelling } from './carrier.js';
import { internals, type ConnectionOptions } from './agent-internals.js';

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

const terms = new WeakMap<ClientRequest, LeaseTerms>();

export function termsOf(request: ClientRequest): LeaseTerms | undefined {
  return terms.get(request);
}

/** The same agents and connections, under the terms of one lease. Cheap enough for every request. */
export function leaseAgents(agents: Agents, lease: LeaseTerms): Agents {
  return {
    http: new LeaseAgent(agents.http, lease) as unknown as HttpAgent,
    https: new LeaseAgent(agents.https, lease) as unknown as HttpsAgent,
  };
}

/** As much of an agent as Node's client looks at; connections and all else are the shared agent's. */
class LeaseAgent extends EventEmitter {
  readonly protocol: string;
  readonly defaultPort: number;
  readonly keepAlive: boolean;
  readonly maxSockets: number;
  readonly options: object;
  readonly #agent: HttpAgent;
  readonly #lease: LeaseTerms;

  constructor(agent: HttpAgent, lease: LeaseTerms) {
    super();
    const shown = agent as unknown as Omit<LeaseAgent, keyof EventEmitter>;
    this.protocol = shown.protocol;
    this.defaultPort = shown.defaultPort;
    this.keepAlive = shown.keepAlive;
    this.maxSockets = shown.maxSockets;
    this.options = shown.options;
    this.#agent = agent;
    markTunnelling(this);
    this.#lease = lease;
  }

  addRequest(request: ClientRequest, options: ConnectionOptions): void {
    terms.set(request, this.#lease);
    this.#lease.onRequest?.(request);
    internals(this.#agent).addRequest(request, options);
  }

  destroy(): void {
    this.#agent.destroy();
  }
}

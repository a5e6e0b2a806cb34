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

/** The same agents and connections, under the terms of one lease. Cheap enough for every request. */
export function leaseAgents(agents: Agents, lease: LeaseTerms): Agents {
  return {
    http: new LeaseAgent(agents.http, lease) as unknown as HttpAgent,
    https: new LeaseAgent(agents.https, lease) as unknown as HttpsAgent,
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

  addRequest(request: ClientRequest, options: ConnectionOptions): void {
    this.#lease.onRequest?.(request);
    internals(this.#agent).addRequest(request, options);
  }

  destroy(): void {
    this.#agent.destroy();
  }
}

markTunnelling(LeaseAgent);

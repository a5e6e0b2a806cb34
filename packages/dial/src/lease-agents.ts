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

const terms = new WeakMap<ClientRequest, LeaseTerms>();

export function termsOf(request: ClientRequest): LeaseTerms | undefined {
  return terms.get(request);
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
  return { http: new LeaseAgent(http, lease), https: new LeaseAgent(https, lease) };
}

/** Node's agent in kind, without what its constructor builds: a request has two of them and needs none of that. */
const Shape = function () {} as unknown as new () => HttpsAgent;
Shape.prototype = HttpsAgent.prototype;

/** As much of an agent as Node's client looks at; connections and all else are the shared agent's. */
class LeaseAgent extends Shape {
  readonly protocol: string;
  readonly defaultPort: number;
  readonly keepAlive: boolean;
  override maxSockets: number;
  override readonly options: HttpsAgent['options'];
  override readonly sockets: HttpsAgent['sockets'];
  override readonly freeSockets: HttpsAgent['freeSockets'];
  override readonly requests: HttpsAgent['requests'];
  readonly #agent: HttpAgent;
  readonly #lease: LeaseTerms;

  constructor(agent: HttpAgent, lease: LeaseTerms) {
    super();
    const shown = agent as HttpsAgent & Pick<LeaseAgent, 'protocol' | 'defaultPort' | 'keepAlive'>;
    this.protocol = shown.protocol;
    this.defaultPort = shown.defaultPort;
    this.keepAlive = shown.keepAlive;
    this.maxSockets = shown.maxSockets;
    this.options = shown.options;
    this.sockets = shown.sockets;
    this.freeSockets = shown.freeSockets;
    this.requests = shown.requests;
    this.#agent = agent;
    this.#lease = lease;
    markTunnelling(this);
  }

  addRequest(request: ClientRequest, options: ConnectionOptions): void {
    terms.set(request, this.#lease);
    this.#lease.onRequest?.(request);
    internals(this.#agent).addRequest(request, options);
  }

  /** Nothing: others use the connections. A lease that has its own ends with `LeasedAgents.close`. */
  override destroy(): void {}
}

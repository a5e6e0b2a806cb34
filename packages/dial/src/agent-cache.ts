import { checkKeys, type Endpoint, type EndpointId } from '@fairlead/core';
import { AGENT_OPTION_KEYS, drainAgents, makeAgents, type AgentOptions } from './agents.js';
import { leaseAgents, type Agents, type LeaseTerms } from './lease-agents.js';

/**
 * Whom a kept tunnel may serve. `endpoint`: everyone on that endpoint. `session`: one session only, or one lease where
 * there is none. `none`: one lease only.
 */
export type ReusePolicy = 'endpoint' | 'session' | 'none';

/** The defaults of `AgentCacheOptions`, in one place. */
export const AGENT_CACHE_DEFAULTS = Object.freeze({ reuse: 'endpoint' as ReusePolicy, maxAgents: 1000 });

export interface AgentCacheOptions extends AgentOptions {
  /** @default 'endpoint' */
  readonly reuse?: ReusePolicy;
  /** Most pairs of agents kept; the one unused for longest goes first. @default 1000 */
  readonly maxAgents?: number;
}

/** Every key of `AgentCacheOptions`. */
export const AGENT_CACHE_OPTION_KEYS = [
  ...AGENT_OPTION_KEYS,
  'reuse',
  'maxAgents',
] as const satisfies readonly (keyof AgentCacheOptions)[];

export interface CachedLease extends LeaseTerms {
  /** For this lease, in place of the cache's own. */
  readonly reuse?: ReusePolicy;
}

/** The agents of one lease. */
export interface LeasedAgents extends Agents {
  /** Says that the lease is over: closes tunnels that nobody else may use. */
  close(): void;
}

export interface AgentCache {
  /** Agents for one lease through `endpoint`. */
  lease(endpoint: Endpoint, lease?: CachedLease): LeasedAgents;
  /** The endpoint has left: its idle tunnels close now, the others as they fall idle. */
  retire(endpoint: EndpointId): void;
  /** Pairs of agents kept. */
  readonly size: number;
  /** Retires them all. */
  close(): void;
}

export function createAgentCache(options: AgentCacheOptions = {}): AgentCache {
  checkKeys(options, AGENT_CACHE_OPTION_KEYS, '');
  return new LruAgentCache(options);
}

class LruAgentCache implements AgentCache {
  readonly #kept = new Map<EndpointId, Map<string, Agents>>();
  /** In order of use, oldest first: a Map keeps the order of insertion. */
  readonly #order = new Map<Agents, { readonly endpoint: EndpointId; readonly key: string }>();
  readonly #options: AgentOptions;
  readonly #reuse: ReusePolicy;
  readonly #maxAgents: number;

  constructor({ reuse, maxAgents, ...options }: AgentCacheOptions) {
    this.#options = options;
    this.#reuse = reuse ?? AGENT_CACHE_DEFAULTS.reuse;
    this.#maxAgents = maxAgents ?? AGENT_CACHE_DEFAULTS.maxAgents;
  }

  get size(): number {
    return this.#order.size;
  }

  lease(endpoint: Endpoint, lease: CachedLease = {}): LeasedAgents {
    const { reuse = this.#reuse, ...terms } = lease;
    const key = reuseKey(endpoint, reuse, lease.session);
    const agents = key === undefined ? makeAgents(endpoint, this.#options) : this.#keep(endpoint, key);
    const close = key === undefined ? () => drainAgents(agents) : () => {};
    // Without terms of its own a lease has no need of agents of its own.
    const { http, https } = [lease.session, lease.timeoutMs, lease.onRequest].every((term) => term === undefined)
      ? agents
      : leaseAgents(agents, terms);
    return { http, https, close };
  }

  retire(endpoint: EndpointId): void {
    for (const agents of this.#kept.get(endpoint)?.values() ?? []) {
      this.#order.delete(agents);
      drainAgents(agents);
    }
    this.#kept.delete(endpoint);
  }

  close(): void {
    for (const endpoint of this.#kept.keys()) this.retire(endpoint);
  }

  #keep(endpoint: Endpoint, key: string): Agents {
    const ofEndpoint = this.#kept.get(endpoint.id) ?? new Map<string, Agents>();
    this.#kept.set(endpoint.id, ofEndpoint);
    const agents = ofEndpoint.get(key) ?? makeAgents(endpoint, this.#options);
    ofEndpoint.set(key, agents);
    this.#order.delete(agents);
    this.#order.set(agents, { endpoint: endpoint.id, key });
    if (this.#order.size > this.#maxAgents) this.#dropOldest();
    return agents;
  }

  #dropOldest(): void {
    const [oldest] = this.#order;
    if (oldest === undefined) return;
    const [agents, { endpoint, key }] = oldest;
    this.#order.delete(agents);
    const ofEndpoint = this.#kept.get(endpoint);
    ofEndpoint?.delete(key);
    if (ofEndpoint?.size === 0) this.#kept.delete(endpoint);
    drainAgents(agents);
  }
}

/** Under what name agents are kept; undefined: for this lease alone. */
export function reuseKey(endpoint: Endpoint, reuse: ReusePolicy, session: string | undefined): string | undefined {
  switch (reuse) {
    case 'endpoint':
      // A tunnel pins the exit of a rotating endpoint: only a session asks for that.
      if (!endpoint.rotating) return '';
      return session === undefined ? undefined : `session ${session}`;
    case 'session':
      return session === undefined ? undefined : `session ${session}`;
    case 'none':
      return undefined;
    default:
      return reuse satisfies never;
  }
}

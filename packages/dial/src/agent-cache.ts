import { checkInteger, checkKeys, ConfigurationError, type Endpoint, type EndpointId } from '@fairlead/core';
import { AgentKeeper } from './agent-keeper.js';
import { AGENT_OPTION_KEYS, checkAgentDurations, drainAgents, makeAgents, type AgentOptions } from './agents.js';
import { checkTerms, LEASE_TERM_KEYS, termedAgents, type Agents, type LeaseTerms } from './lease-agents.js';

/**
 * Whom a kept tunnel may serve. `endpoint`: one session, or everyone on that endpoint who has none. `session`: one session
 * only, or one lease where there is none. `none`: one lease only. No tunnel serves two sessions: a target that sees both on one
 * connection knows them for one caller.
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

const LEASE_KEYS = [...LEASE_TERM_KEYS, 'reuse'] as const satisfies readonly (keyof CachedLease)[];

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
  checkAgentDurations(options);
  checkCacheTerms(options);
  return new LruAgentCache(options);
}

/** Refuses what cannot be meant of who shares agents, and of how many are kept. */
export function checkCacheTerms({ reuse, maxAgents }: Pick<AgentCacheOptions, 'reuse' | 'maxAgents'>): void {
  if (reuse !== undefined) checkReuse(reuse);
  if (maxAgents !== undefined && maxAgents !== Number.POSITIVE_INFINITY) checkInteger(maxAgents, 1, 'maxAgents');
}

class LruAgentCache implements AgentCache {
  readonly #keeper: AgentKeeper<Agents>;
  readonly #options: AgentOptions;
  readonly #reuse: ReusePolicy;

  constructor({
    reuse = AGENT_CACHE_DEFAULTS.reuse,
    maxAgents = AGENT_CACHE_DEFAULTS.maxAgents,
    ...options
  }: AgentCacheOptions) {
    this.#options = options;
    this.#reuse = reuse;
    this.#keeper = new AgentKeeper(maxAgents, (endpoint) => makeAgents(endpoint, options), drainAgents);
  }

  get size(): number {
    return this.#keeper.size;
  }

  lease(endpoint: Endpoint, lease: CachedLease = NO_TERMS): LeasedAgents {
    checkTerms(lease, LEASE_KEYS);
    const { reuse = this.#reuse } = lease;
    const key = reuseKey(endpoint, reuse, lease.session);
    const shared = key === undefined ? makeAgents(endpoint, this.#options) : this.#keeper.get(endpoint, key);
    const close = key === undefined ? () => drainAgents(shared) : nothing;
    // Without terms of its own a lease has no need of agents of its own.
    const plain = lease.session === undefined && lease.timeoutMs === undefined && lease.onRequest === undefined;
    const { http, https } = plain ? shared : termedAgents(shared, lease);
    return { http, https, close };
  }

  retire(endpoint: EndpointId): void {
    this.#keeper.retire(endpoint);
  }

  close(): void {
    this.#keeper.close();
  }
}

const NO_TERMS: CachedLease = Object.freeze({});

function nothing(): void {}

/** Under what name agents are kept; undefined: for this lease alone. */
export function reuseKey(endpoint: Endpoint, reuse: ReusePolicy, session: string | undefined): string | undefined {
  switch (reuse) {
    case 'endpoint':
      if (session !== undefined) return OF_SESSION + session;
      // A tunnel pins the exit of a rotating endpoint: only a session asks for that.
      return endpoint.rotating ? undefined : '';
    case 'session':
      return session === undefined ? undefined : OF_SESSION + session;
    case 'none':
      return undefined;
    default:
      reuse satisfies never;
      return checkReuse(reuse);
  }
}

const OF_SESSION = 'session ';

/** The session whose agents are kept under that name. */
export function sessionOf(key: string): string | undefined {
  return key.startsWith(OF_SESSION) ? key.slice(OF_SESSION.length) : undefined;
}

const POLICIES: ReadonlySet<unknown> = new Set<ReusePolicy>(['endpoint', 'session', 'none']);

/** A policy that nobody knows must not pass for one that shares. */
function checkReuse(reuse: unknown): undefined {
  if (!POLICIES.has(reuse))
    throw new ConfigurationError('INVALID_OPTION', 'reuse', `must be one of ${[...POLICIES].join(', ')}`);
}

import { checkInteger, checkKeys, ConfigurationError, FairleadError, type Pool } from '@fairlead/core';
import { AGENT_CACHE_OPTION_KEYS, createAgentCache, type AgentCache, type AgentCacheOptions } from './agent-cache.js';
import type { AttemptHeaders } from './attempt-headers.js';
import { PoolShares } from './pool-share.js';

/** What an adapter of any client library takes, whatever the library. */
export interface ClientOptions {
  /** Lets `pool: false` send a request without any proxy; otherwise that is an error. @default false */
  readonly allowDirect?: boolean;
  /** How much of each answer's body, decoded, the pool's `classify` may see. @default 0 */
  readonly bodyBytes?: number;
  /** Headers for each attempt, in the place of the request's own of the same name: by endpoint, by session. */
  readonly headers?: AttemptHeaders;
}

/** The defaults of `ClientOptions`, in one place. */
export const CLIENT_DEFAULTS = Object.freeze({ allowDirect: false, bodyBytes: 0 });

/** Every key of `ClientOptions`. */
export const CLIENT_OPTION_KEYS = [
  'allowDirect',
  'bodyBytes',
  'headers',
] as const satisfies readonly (keyof ClientOptions)[];

/** The options of an adapter whose library stands on Node's agents. */
export interface AgentClientOptions extends AgentCacheOptions, ClientOptions {}

/** What such an adapter works with. */
export interface AgentClient extends Required<Omit<ClientOptions, 'headers'>> {
  readonly headers: AttemptHeaders | undefined;
  readonly pool: Pool;
  readonly agents: AgentCache;
  /** The client is used no more. */
  release(): void;
}

const shares = new PoolShares<AgentCache, AgentCacheOptions>(createAgentCache);

/** Reads the options, and keeps agents for as long as the pool keeps their endpoints. */
export function agentClient(pool: Pool, options: AgentClientOptions): AgentClient {
  checkKeys(options, [...AGENT_CACHE_OPTION_KEYS, ...CLIENT_OPTION_KEYS], '');
  const { allowDirect, bodyBytes, headers, ...kept } = { ...CLIENT_DEFAULTS, ...options };
  checkClientOptions({ allowDirect, bodyBytes, headers });
  const { kept: agents, release } = shares.share(pool, kept);
  return { pool, agents, allowDirect, bodyBytes, headers, release };
}

interface CheckedOptions extends Required<Omit<ClientOptions, 'headers'>> {
  readonly headers: AttemptHeaders | undefined;
}

/** A word such as `'false'`, from an environment variable, must not pass for a permission. */
export function checkClientOptions({ allowDirect, bodyBytes, headers }: CheckedOptions): void {
  if (headers !== undefined && typeof headers !== 'function')
    throw new ConfigurationError('INVALID_OPTION', 'headers', 'must be a function of the attempt');
  if (typeof allowDirect !== 'boolean')
    throw new ConfigurationError('INVALID_OPTION', 'allowDirect', 'must be a boolean');
  checkInteger(bodyBytes, 0, 'bodyBytes');
}

/** Refuses what would leave the pool's proxies aside: no direct connection by accident. */
export function pastThePool(what: string): FairleadError {
  return new FairleadError('POLICY_UNSUPPORTED', `${what} would connect past the pool's proxies`);
}

/** Refuses a request that wants none of the pool, where that was not allowed. */
export function directRefused(): FairleadError {
  return new FairleadError('POLICY_UNSUPPORTED', "'pool: false' would connect directly; it needs 'allowDirect: true'");
}

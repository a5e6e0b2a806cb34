import type { AgentCacheOptions } from '@fairlead/dial';

export interface AttachOptions extends AgentCacheOptions {
  /** Lets `pool: false` send a request without any proxy; otherwise that is an error. @default false */
  readonly allowDirect?: boolean;
  /** How much of each answer's body the pool's `classify` may see; not of streams. @default 0 */
  readonly bodyBytes?: number;
}

/** The defaults of `AttachOptions`, in one place; for the rest see `AGENT_CACHE_DEFAULTS`. */
export const ATTACH_DEFAULTS = Object.freeze({ allowDirect: false, bodyBytes: 0 });

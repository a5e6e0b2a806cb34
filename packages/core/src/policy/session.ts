import type { PinTerms } from '../ledger/pins.js';
import type { Target } from '../target.js';

/** How long a session keeps its exit, and what happens when it cannot. */
export interface SessionPolicy {
  /**
   * `forever`: until the exit fails. `ttl`: so long since the pin was made. `sliding`: so long since its last use. `count`: so
   * many uses. `request`: another exit each time, in turn.
   * After `ttl`, `count` and `request` the next exit is one that the session has not had lately, where there is one.
   */
  readonly keep: 'forever' | 'ttl' | 'sliding' | 'count' | 'request';
  readonly ttlMs: number;
  /** However often it is used, no pin outlives this. */
  readonly maxMs: number;
  readonly maxUses: number;
  /** One exit for the whole session, or one for each target it visits. */
  readonly per: 'session' | 'target';
  /** `prefer` takes another exit when the pinned one is lost, `strict` fails instead, `same-exit` takes only one with the same `exit`. */
  readonly contract: 'prefer' | 'strict' | 'same-exit';
  /** `closed`: only an exit known to be in the same country takes a lost one's place; else the request fails. */
  readonly geo: 'open' | 'closed';
  /** Requests that name no session keep an exit too: all together, or under `per: 'target'` those of one target. */
  readonly always: boolean;
}

/** The defaults of `SessionPolicy`, in one place. */
export const SESSION_DEFAULTS: SessionPolicy = Object.freeze({
  keep: 'forever',
  ttlMs: 300_000,
  maxMs: Number.POSITIVE_INFINITY,
  maxUses: 100,
  per: 'session',
  contract: 'prefer',
  geo: 'open',
  always: false,
});

/** The policy as the ledger takes it. */
export function pinTerms({ keep, ttlMs, maxMs, maxUses }: SessionPolicy): PinTerms {
  const never = Number.POSITIVE_INFINITY;
  return {
    ttlMs: keep === 'sliding' ? ttlMs : never,
    maxMs: keep === 'ttl' ? Math.min(ttlMs, maxMs) : maxMs,
    maxUses: keep === 'count' ? maxUses : keep === 'request' ? 1 : never,
  };
}

/** Cannot stand in a host, nor in a name. */
const SEPARATOR = '\u0000';

/** The ledger's key of a session. */
export function pinKey(session: string, target: Target, { per }: Pick<SessionPolicy, 'per'>): string {
  return per === 'target' ? `${target}${SEPARATOR}${session}` : session;
}

/** A session as its callers know it. */
interface NamedSession {
  /** Undefined: that of the requests which name none. */
  readonly session: string | undefined;
  /** The one that it keeps this exit for, where each has its own. */
  readonly target: Target | undefined;
}

/** What the ledger's key stands for. */
export function sessionOf(key: string): NamedSession {
  const end = key.indexOf(SEPARATOR);
  const session = key.slice(end + 1);
  return { session: session === '' ? undefined : session, target: end < 0 ? undefined : (key.slice(0, end) as Target) };
}

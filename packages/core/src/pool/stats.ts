import type { EndpointId } from '../endpoint.js';
import { Standing } from '../kernel/table.js';
import type { Dispatcher } from './dispatcher.js';

/** Where an endpoint stands. */
export type EndpointStanding = 'trial' | 'active' | 'cooling' | 'held' | 'retired';

/** What has been seen of one endpoint since it joined. */
export interface EndpointStats {
  readonly id: EndpointId;
  readonly tier: number;
  readonly attempts: number;
  readonly succeeded: number;
  readonly standing: EndpointStanding;
  readonly inFlight: number;
  readonly latencyP50: number | undefined;
  readonly latencyP95: number | undefined;
  /** Failures by code, and refusals by status. */
  readonly errors: Readonly<Record<string, number>>;
}

/** A picture of a pool. */
export interface PoolStats {
  readonly proxies: {
    readonly total: number;
    readonly healthy: number;
    readonly cooling: number;
    readonly held: number;
  };
  readonly sessions: number;
  readonly rerouted: number;
  readonly replayed: number;
  readonly hedged: number;
  readonly attempts: number;
  readonly succeeded: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly endpoints: readonly EndpointStats[];
}

const NAMES: readonly EndpointStanding[] = ['retired', 'trial', 'active', 'cooling', 'held', 'retired'];

/** A picture of now. Reading it changes nothing. */
export function readStats({ roster, counters, kernel, inFlight, line, sessions }: Dispatcher): PoolStats {
  const { table } = kernel.state;
  const endpoints = [...roster].map(([{ id, tier }, row]) => ({
    ...counters.of(row).snapshot(id, NAMES[table.standing[row]!]!, table.inFlight[row]!),
    tier,
  }));
  const standing = (kind: number) => [...roster].filter(([, row]) => table.standing[row] === kind).length;
  return {
    proxies: {
      total: roster.size,
      healthy: standing(Standing.active) + standing(Standing.trial),
      cooling: standing(Standing.cooling),
      held: standing(Standing.held),
    },
    sessions: sessions.size,
    rerouted: counters.rerouted,
    replayed: counters.replayed,
    hedged: counters.hedged,
    attempts: counters.attempts,
    succeeded: counters.succeeded,
    inFlight,
    waiting: line.size,
    endpoints,
  };
}

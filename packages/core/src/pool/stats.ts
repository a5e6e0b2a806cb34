import type { EndpointId } from '../endpoint.js';
import { Standing, type Row } from '../kernel/table.js';
import type { LabelStats } from './counters.js';
import type { Dispatcher } from './dispatcher.js';
import { TrafficCounter, type TrafficStats } from './traffic-counter.js';

/** Where an endpoint stands. */
export type EndpointStanding = 'trial' | 'active' | 'cooling' | 'held' | 'retired';

/** What has been seen of one endpoint since it joined. */
export interface EndpointStats extends TrafficStats {
  readonly id: EndpointId;
  readonly tier: number;
  readonly standing: EndpointStanding;
}

/** What has been seen of one target, through all endpoints. */
export interface TargetStats extends TrafficStats {
  readonly target: string;
  readonly breakerOpen: boolean;
}

/** The pool's proxies by where they stand. */
export interface ProxyCounts {
  readonly total: number;
  /** Active, or on trial. */
  readonly healthy: number;
  readonly cooling: number;
  /** Held by an operator. */
  readonly held: number;
  /** Have used up what they may carry. */
  readonly spent: number;
  /** Had nothing but failures and were put away until resumed. */
  readonly dead: number;
}

/** The pool's requests by how far they are. */
export interface TaskCounts {
  /** Wait for a place, or as jobs for room. */
  readonly pending: number;
  /** Wait for a moment that is known: a pace, a pause or a rest to end. */
  readonly delayed: number;
  /** Have ended with an answer, whichever. */
  readonly completed: number;
  /** Have ended without one. */
  readonly failed: number;
}

/** A picture of a pool. */
export interface PoolStats {
  readonly name: string;
  readonly proxies: ProxyCounts;
  readonly tasks: TaskCounts;
  /** Successes per second over the last second, ten seconds, minute. */
  readonly throughput: { readonly per1s: number; readonly per10s: number; readonly per60s: number };
  /** Successes among the attempts of the last minute; undefined when there was none. */
  readonly successRate1m: number | undefined;
  /** To the answer's head, over the last minute; undefined when there was none. */
  readonly avgLatencyMs: number | undefined;
  readonly attempts: number;
  readonly succeeded: number;
  /** Leases that were given out. */
  readonly dispatched: number;
  /** Requests that were sent again: rerouted and replayed together. */
  readonly requeued: number;
  readonly rerouted: number;
  readonly replayed: number;
  readonly hedged: number;
  readonly raced: number;
  /** How often a request found not one endpoint that could carry it. */
  readonly zeroAvailable: number;
  /** How often a request was put off: no free place, a rate or a pause to keep, endpoints that rest. */
  readonly skipped: { readonly noPermit: number; readonly rateLimit: number; readonly cooldown: number };
  readonly inFlight: number;
  readonly waiting: number;
  /** Sessions that keep an exit. */
  readonly activeSessions: number;
  readonly breakersOpen: number;
  readonly bytes: number;
  readonly endpoints: readonly EndpointStats[];
  /** The targets counted apart, ten thousand at most. */
  readonly targets: readonly TargetStats[];
  /** By the requests' `label`. */
  readonly labels: Readonly<Record<string, LabelStats>>;
}

const NAMES: readonly EndpointStanding[] = ['retired', 'trial', 'active', 'cooling', 'held', 'retired'];

const UNUSED = new TrafficCounter();

/** A picture of now. Reading it changes nothing. */
export function readStats(name: string, dispatcher: Dispatcher, jobsWaiting: number): PoolStats {
  const { roster, counters, kernel, inFlight, line, sessions } = dispatcher;
  const { table, targets } = kernel.state;
  const standingOf = (row: Row): EndpointStanding => NAMES[table.standing[row]!]!;
  return {
    name,
    proxies: proxyCounts(dispatcher),
    tasks: taskCounts(dispatcher, jobsWaiting),
    ...lately(dispatcher),
    attempts: counters.attempts,
    succeeded: counters.succeeded,
    dispatched: counters.dispatched,
    requeued: counters.rerouted + counters.replayed,
    rerouted: counters.rerouted,
    replayed: counters.replayed,
    hedged: counters.hedged,
    raced: counters.raced,
    zeroAvailable: counters.zeroAvailable,
    skipped: { ...counters.skipped },
    inFlight,
    waiting: line.size,
    activeSessions: sessions.live,
    breakersOpen: targets.open.size,
    bytes: counters.bytes,
    endpoints: [...roster].map(([{ id, tier }, row]) => ({
      id,
      tier,
      standing: standingOf(row),
      ...(counters.peekRow(row) ?? UNUSED).snapshot(table.inFlight[row]!),
    })),
    targets: [...counters.targets()].map(({ index, target, traffic }) => {
      const known = targets.states[index];
      const here = known?.key === target ? known : undefined;
      return { target, breakerOpen: here?.breaker === 'open', ...traffic.snapshot(here?.inFlight ?? 0) };
    }),
    labels: Object.assign(Object.create(null), Object.fromEntries(counters.labels)),
  };
}

function proxyCounts({ roster, kernel, members }: Dispatcher): ProxyCounts {
  const { standing } = kernel.state.table;
  const counts = { total: roster.size, healthy: 0, cooling: 0, held: 0, spent: 0, dead: 0 };
  for (const [, row] of roster) {
    if (standing[row] === Standing.active || standing[row] === Standing.trial) counts.healthy += 1;
    else if (standing[row] === Standing.cooling) counts.cooling += 1;
    else if (members.heldFor(row) === 'spent') counts.spent += 1;
    else if (members.heldFor(row) === 'evicted') counts.dead += 1;
    else counts.held += 1;
  }
  return counts;
}

function taskCounts({ line, counters }: Dispatcher, jobsWaiting: number): TaskCounts {
  let delayed = 0;
  for (const { wakeAt } of line) if (Number.isFinite(wakeAt)) delayed += 1;
  const pending = line.size - delayed + jobsWaiting;
  return { pending, delayed, completed: counters.completed, failed: counters.failed };
}

function lately(dispatcher: Dispatcher): Pick<PoolStats, 'throughput' | 'successRate1m' | 'avgLatencyMs'> {
  const now = dispatcher.now();
  const { pulse } = dispatcher.counters;
  const perSecond = (seconds: number): number => pulse.over(seconds * 1000, now).succeeded / seconds;
  const { settled, succeeded, latencyMs } = pulse.over(60_000, now);
  return {
    throughput: { per1s: perSecond(1), per10s: perSecond(10), per60s: perSecond(60) },
    successRate1m: settled === 0 ? undefined : succeeded / settled,
    avgLatencyMs: latencyMs,
  };
}

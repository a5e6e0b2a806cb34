/**
 * The kernel decides who is best; it never waits, reads no clock and draws no chance of its own.
 *
 * A pool drives it in five steps, all synchronous:
 *
 *   const target = kernel.internTarget(key);      // an index; intern again after waiting, it may have been forgotten
 *   kernel.rank(query, candidates)                // up to `query.want` rows, best first, each with its hard limit
 *   … the ledger admits one of them …
 *   kernel.onAdmit(row, target, now)              // the row carries one more; a due breaker probe is now this attempt
 *   … the attempt runs …
 *   kernel.onSettle(row, target, fact, now)       // exactly once per onAdmit: everything is learned here; `onWithdraw` where
 *                                                 // the attempt was not begun after all
 *
 * When `rank` finds nobody, `waitUntil` names the soonest instant at which that may change; any settle may change it too.
 * `rank` may put rows on trial (a cooldown ran out, an early release, a panic): each is told through `onEffect`, and none
 * needs undoing when the ledger then refuses.
 *
 * A row is retired first (it is chosen no more, its leases settle) and vacated when the last of them is back.
 * Instants and durations are milliseconds. A pinned or forced endpoint is asked about with `eligibility` or ranked alone
 * with `rankOne`.
 */
import { ets } from './choose.js';
import { close, isClosed } from './closing.js';
import { countUse, forgetUses } from './courtesy.js';
import type { CooldownRule } from './cooldown.js';
import { ETS_DEFAULTS, type EtsConstants } from './defaults.js';
import { soonest } from './due-queue.js';
import type { OnEffect } from './effects.js';
import type { Fact } from './fact.js';
import { burstMs, emissionMs, unusedMs } from './interval.js';
import { learn } from './learn.js';
import { breakerAllows, sendProbe } from './breaker.js';
import { abandonAfter, hedgeAfter } from './patience.js';
import { eligibilityOf, MOST_CANDIDATES, type Candidates, type Eligibility, type RankQuery } from './query.js';
import { releaseDue, releaseEarly } from './release.js';
import {
  countPresent,
  createState,
  noteFreed,
  place,
  setLimit,
  setStanding,
  type KernelState,
  type PaceView,
} from './state.js';
import type { Strategy } from './strategy.js';
import {
  clearRow,
  keepEpoch,
  PROVEN,
  reserveRows,
  Standing,
  takeRow,
  writeSpec,
  type Row,
  type RowSpec,
} from './table.js';
import { countBack, countStart, internTarget } from './targets.js';
import { takeBackUse } from './usage.js';

export interface KernelOptions {
  /** Who ranks. @default ets() */
  readonly strategy?: Strategy;
  /** Others that a query may name. @default [] */
  readonly strategies?: readonly Strategy[];
  /** When an endpoint rests. @default { kind: 'surprise' } */
  readonly cooldown?: CooldownRule;
  /** Whether cooling endpoints may be released before their time. @default true */
  readonly earlyRelease?: boolean;
  /** Constants that differ from `ETS_DEFAULTS`. */
  readonly constants?: Partial<EtsConstants>;
  /** Endpoints to make room for at once. @default 16 */
  readonly capacity?: number;
  /** Targets remembered. @default 100_000 */
  readonly maxTargets?: number;
  /** Slots for pairs that were refused. @default 2 ** 18 */
  readonly maxPairs?: number;
  /** When a pair may be used under its pace: the ledger's `opensAt`. Without it nothing is paced. */
  readonly pace?: PaceView;
  /** Whether all that the targets are asked is asked here: where others ask them too, what is counted here is a part. @default true */
  readonly alone?: boolean;
  readonly onEffect?: OnEffect;
}

export type Kernel = ReturnType<typeof createKernel>;

export function createKernel(given: KernelOptions = {}) {
  // Without a prototype: what all objects inherit is no option.
  const options: KernelOptions = Object.assign(Object.create(null) as object, given);
  const strategy = options.strategy ?? ets();
  const told = together(strategy, options.strategies ?? []);
  const state = createState({
    constants: Object.freeze({ ...ETS_DEFAULTS, ...options.constants }),
    cooldown: options.cooldown ?? { kind: 'surprise' },
    capacity: options.capacity ?? 16,
    maxTargets: options.maxTargets ?? 100_000,
    maxPairs: options.maxPairs ?? 2 ** 18,
    pace: options.pace ?? (() => 0),
    alone: options.alone ?? true,
    onEffect: options.onEffect ?? (() => {}),
  });
  const earlyRelease = options.earlyRelease ?? true;
  return {
    /** All the kernel knows, to be read by statistics, explanations and strategies. */
    state: state as Readonly<KernelState>,
    strategy,
    /** From now on endpoints rest by this rule; those that rest already do so to their end. */
    setCooldown(rule: CooldownRule): void {
      state.cooldown = rule;
    },
    ...membership(state, told),
    ...ranking(state, strategy, earlyRelease),
    ...learning(state, told),
    ...targeting(state),
    /** When to give an attempt up: never later than `timeoutMs`, which some keep whole so that the tail stays known. */
    abandonAfterMs: (row: Row, target: number, timeoutMs: number, random: () => number) =>
      abandonAfter(state, row, target, timeoutMs, random),
    /** When a second attempt beside this one is worth its cost; Infinity until enough is known. */
    hedgeAfterMs: (row: Row) => hedgeAfter(state, row),
    /** The soonest instant at which a cooldown ends or a probe is due; Infinity when nothing is pending. */
    nextEventAt: () => nextEventAt(state),
  };
}

/** All that rank are told of all that happens, whoever of them was asked. */
function together(first: Strategy, others: readonly Strategy[]): Pick<Strategy, 'admitted' | 'settled' | 'cleared'> {
  if (others.length === 0) return first;
  const all = [...new Set([first, ...others])];
  return {
    admitted: (...event) => {
      for (const one of all) one.admitted?.(...event);
    },
    settled: (...event) => {
      for (const one of all) one.settled?.(...event);
    },
    cleared: (row) => {
      for (const one of all) one.cleared?.(row);
    },
  };
}

type Told = ReturnType<typeof together>;

function membership(state: KernelState, strategy: Told) {
  const { table, constants } = state;
  return {
    addRow(spec: RowSpec, now: number): Row {
      keepEpoch(table, now);
      const row = takeRow(table, spec, now, constants.limitStart);
      countPresent(state, row, 1);
      place(state, row, now);
      noteFreed(state, row);
      return row;
    },
    reserve: (count: number) => reserveRows(table, count),
    /** The endpoint leaves: it is chosen no more. Its leases still settle. */
    retireRow: (row: Row, now: number) => setStanding(state, row, Standing.retired, now),
    /** The last lease of a retired row is back: the row may serve another endpoint. */
    vacateRow(row: Row): void {
      clearRow(table, row);
      forgetUses(state.courtesy, row);
      strategy.cleared?.(row);
    },
    /** An operator's pause. */
    hold(row: Row, now: number): void {
      if (table.standing[row] !== Standing.retired) setStanding(state, row, Standing.held, now);
    },
    /** Ends a hold or an eviction; what was good stays active, what was not comes back on trial. */
    resume(row: Row, now: number): void {
      if (table.standing[row] !== Standing.held) return;
      table.misses[row] = 0;
      const good = (table.flags[row]! & PROVEN) !== 0 && table.streak[row] === 0;
      setStanding(state, row, good ? Standing.active : Standing.trial, now);
    },
    /** Ends a cooldown at once: an operator or a probe knows better. The row is on trial. */
    release(row: Row, now: number): void {
      if (table.standing[row] !== Standing.cooling) return;
      setStanding(state, row, Standing.trial, now);
    },
    setSpec(row: Row, spec: RowSpec, now: number): void {
      const present = Number(table.standing[row]! >= Standing.trial && table.standing[row]! <= Standing.cooling);
      countPresent(state, row, -present);
      writeSpec(table, row, spec);
      countPresent(state, row, present);
      setLimit(state, row, Math.min(table.limit[row]!, Math.max(1, spec.maxInFlight)));
      place(state, row, now);
      noteFreed(state, row);
    },
  };
}

function ranking(state: KernelState, strategy: Strategy, earlyRelease: boolean) {
  const { table } = state;
  const write = (out: Candidates, count: number): number => {
    out.count = count;
    for (let index = 0; index < count; index += 1) {
      const row = out.rows[index]!;
      out.limits[index] = table.standing[row] === Standing.trial ? 1 : table.maxInFlight[row]!;
    }
    return count;
  };
  return {
    /** Fills `out` with the rows that may carry the request, best first; returns how many. */
    rank(query: RankQuery, out: Candidates): number {
      keepEpoch(table, query.now);
      releaseDue(state, query.now);
      state.opensAt = Number.POSITIVE_INFINITY;
      out.count = 0;
      if (!breakerAllows(state.targets.states[query.target]!, query.now) || isClosed(state, query)) return 0;
      const count = (query.strategy ?? strategy).rank(state, query, out.rows);
      if (count > 0 || !earlyRelease) return write(out, Math.min(count, MOST_CANDIDATES));
      const row = releaseEarly(state, query);
      if (row < 0) close(state, query);
      if (row < 0) return 0;
      out.rows[0] = row;
      return write(out, 1);
    },
    /** Ranks one row alone: a pinned or a forced endpoint. */
    rankOne(row: Row, query: RankQuery, out: Candidates): number {
      keepEpoch(table, query.now);
      releaseDue(state, query.now);
      out.rows[0] = row;
      return write(out, eligibilityOf(state, row, query) === 'ok' ? 1 : 0);
    },
    eligibility: (row: Row, query: RankQuery): Eligibility => eligibilityOf(state, row, query),
    /** After a `rank` that found nobody: the soonest instant at which asking again may help. A settle may help sooner. */
    waitUntil(query: RankQuery): number {
      const { breaker, probeAt, probeRow } = state.targets.states[query.target]!;
      if (breaker === 'open' && probeRow >= 0) return Number.POSITIVE_INFINITY;
      // A probe that is due waits for an endpoint like everyone else.
      if (breaker === 'open' && probeAt > query.now) return probeAt;
      return Math.min(state.opensAt, coolestAt(state));
    },
  };
}

const NEVER_BEGUN: Fact = Object.freeze({
  health: 'none',
  answer: 'none',
  block: false,
  connect: false,
  elapsedMs: 0,
  first: false,
});

function learning(state: KernelState, strategy: Told) {
  const { table, constants } = state;
  const settle = (row: Row, target: number, fact: Fact, now: number, random: () => number): void => {
    keepEpoch(table, now);
    strategy.settled?.(state, row, target, fact, now);
    learn(state, row, target, fact, now, random);
    noteFreed(state, row);
  };
  return {
    /** The ledger granted the row: it carries one attempt more; `observed` is told of at its end, by `onSettle` right after. */
    onAdmit(row: Row, target: number, now: number, observed = false): void {
      const where = state.targets.states[target]!;
      table.inFlight[row] = table.inFlight[row]! + 1;
      where.inFlight += 1;
      countStart(where, now, constants);
      if (where.usage !== undefined) countUse(where, where.usage, row, now, constants);
      // What is only told of when it is over is nobody's probe: it would be waited for.
      if (where.breaker === 'open' && !observed) sendProbe(where, row, now);
      place(state, row, now);
      strategy.admitted?.(state, row, target, now);
    },
    /** The attempt ended. Exactly once per `onAdmit`. */
    onSettle: settle,
    /** What was admitted is not begun, in the place of `onSettle`: the target saw nothing of it. */
    onWithdraw(row: Row, target: number, now: number, random: () => number): void {
      const where = state.targets.states[target]!;
      countBack(where);
      if (where.usage !== undefined) takeBackUse(where.usage, row);
      settle(row, target, NEVER_BEGUN, now, random);
    },
  };
}

function targeting(state: KernelState) {
  const { targets } = state;
  return {
    internTarget: (key: string) => internTarget(targets, key),
    /** The pace a rule asks for between uses of one endpoint on the target. */
    setConfiguredPace(target: number, intervalMs: number): void {
      const where = targets.states[target]!;
      if (where.configuredMs !== intervalMs) where.closedUntil = 0;
      where.configuredMs = intervalMs;
    },
    /** What the ledger is to hold the pair to: the larger of configured and learned. */
    emissionMs: (target: number) => emissionMs(targets.states[target]!),
    /** What an attempt that never arrived gives back of the pair's pace. */
    unusedMs: (target: number, fact: Fact) => unusedMs(targets.states[target]!, fact),
    burstMs: (target: number) => burstMs(targets.states[target]!),
    breakerOpen: (target: number) => targets.states[target]!.breaker === 'open',
  };
}

function coolestAt({ due, table }: KernelState): number {
  const row = soonest(due);
  return row < 0 ? Number.POSITIVE_INFINITY : table.epoch + table.coolUntil[row]!;
}

function nextEventAt(state: KernelState): number {
  let next = coolestAt(state);
  for (const target of state.targets.open) {
    const { probeAt, probeRow } = state.targets.states[target]!;
    if (probeRow < 0) next = Math.min(next, probeAt);
  }
  return next;
}

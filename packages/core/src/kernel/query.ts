import { breakerAllows } from './breaker.js';
import { burstMs, emissionMs } from './interval.js';
import { blockedUntil } from './pairs.js';
import { roomLimit, type KernelState } from './state.js';
import type { Strategy } from './strategy.js';
import { Standing, type Row } from './table.js';

/** What a ranking is asked. Made once and refilled: the hot path allocates nothing. */
export interface RankQuery {
  /** From `internTarget`. */
  target: number;
  /** The first attempt of its run: only those try untried endpoints beside the others. */
  first: boolean;
  /** Rows this run has tried, and how many of them count. */
  tried: Int32Array;
  triedCount: number;
  /** The last so many of these were never tried: the request would not have them. */
  unwanted: number;
  /** Attempts of this run that have failed; a hedge beside a live attempt is no failure, and costs no dearer tier. */
  failures: number;
  /** Bits every row must have. */
  tags: number;
  /** The cost tiers allowed, one bit each; -1 is all. */
  tiers: number;
  /** A refusal would stop the target for everybody: its endpoints take turns. */
  wary: boolean;
  /** Ranks in place of the kernel's own; one of those that the kernel was made with. */
  strategy: Strategy | undefined;
  /** Anything else that rules a row out. */
  allowed: ((row: Row) => boolean) | undefined;
  /** Attempts wanted at once, waiting ones included: how many endpoints are worth knowing. */
  demand: number;
  /** Candidates wanted: one or two where the ledger is at hand, eight where others take places meanwhile. */
  want: number;
  now: number;
  random: () => number;
}

/** Candidates of one admission, best first, in arrays that are reused. */
export interface Candidates {
  readonly rows: Int32Array;
  /** Most attempts through each of them at once, over all who share it. */
  readonly limits: Int32Array;
  count: number;
}

/** More candidates than these are never handed out. */
export const MOST_CANDIDATES = 8;

/** No tier is ruled out. */
export const ALL_TIERS = -1;

export function createCandidates(): Candidates {
  return { rows: new Int32Array(MOST_CANDIDATES), limits: new Int32Array(MOST_CANDIDATES), count: 0 };
}

export function createQuery(random: () => number): RankQuery {
  return {
    target: 0,
    first: true,
    tried: new Int32Array(16),
    triedCount: 0,
    unwanted: 0,
    failures: 0,
    tags: 0,
    tiers: ALL_TIERS,
    wary: false,
    strategy: undefined,
    allowed: undefined,
    demand: 1,
    want: 1,
    now: 0,
    random,
  };
}

/** Why a row may not carry the request now, or `ok`. */
export type Eligibility =
  | 'ok'
  | 'vacant'
  | 'cooling'
  | 'held'
  | 'retired'
  | 'busy'
  | 'tried'
  | 'unfit'
  | 'blocked'
  | 'paced'
  | 'target-down';

/** Judges one row, for a forced or pinned endpoint and for explanations. */
export function eligibilityOf(state: KernelState, row: Row, query: RankQuery): Eligibility {
  const { table } = state;
  switch (table.standing[row]) {
    case Standing.trial:
    case Standing.active:
      break;
    case Standing.cooling:
      return 'cooling';
    case Standing.held:
      return 'held';
    case Standing.retired:
      return 'retired';
    default:
      return 'vacant';
  }
  const where = state.targets.states[query.target]!;
  if (!breakerAllows(where, query.now)) return 'target-down';
  if (wasTried(row, query)) return 'tried';
  if (!fits(state, row, query)) return 'unfit';
  if (table.inFlight[row]! >= roomLimit(table, row)) return 'busy';
  if (blockedUntil(state.pairs, table, row, where) > query.now) return 'blocked';
  return paceOpensAt(state, row, query.target) > query.now ? 'paced' : 'ok';
}

/** Whether a strategy may hand out the row: it has standing and room, suits the request, and nothing bars it now. */
export function isCandidate(state: KernelState, row: Row, query: RankQuery): boolean {
  const { table } = state;
  const standing = table.standing[row];
  if (standing !== Standing.trial && standing !== Standing.active) return false;
  return table.inFlight[row]! < roomLimit(table, row) && suits(state, row, query) && isOpen(state, row, query);
}

/** Whether the request itself leaves the row open: not tried, with the tags it asks for. */
export function suits(state: KernelState, row: Row, query: RankQuery): boolean {
  return !wasTried(row, query) && fits(state, row, query);
}

/** Whether nothing bars the row from the target now. Remembers the soonest instant at which one that is barred opens. */
export function isOpen(state: KernelState, row: Row, query: RankQuery): boolean {
  const where = state.targets.states[query.target]!;
  if (where.pairs === 0 && where.intervalMs === 0 && where.configuredMs === 0) return true;
  const opensAt = Math.max(blockedUntil(state.pairs, state.table, row, where), paceOpensAt(state, row, query.target));
  if (opensAt <= query.now) return true;
  if (opensAt < state.opensAt) state.opensAt = opensAt;
  return false;
}

function wasTried(row: Row, { tried, triedCount }: RankQuery): boolean {
  for (let index = 0; index < triedCount; index += 1) if (tried[index] === row) return true;
  return false;
}

function fits({ table }: KernelState, row: Row, { tags, tiers, allowed }: RankQuery): boolean {
  if ((table.tags[row]! & tags) !== tags) return false;
  if (tiers !== ALL_TIERS && ((tiers >>> table.tier[row]!) & 1) === 0) return false;
  return allowed === undefined || allowed(row);
}

function paceOpensAt(state: KernelState, row: Row, target: number): number {
  const where = state.targets.states[target]!;
  return emissionMs(where) === 0 ? 0 : state.pace(row, target, burstMs(where));
}

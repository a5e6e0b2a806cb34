import { BUCKETS } from './cost-buckets.js';
import type { EtsConstants } from './defaults.js';
import type { RankQuery } from './query.js';
import type { KernelState } from './state.js';
import type { TargetState } from './targets.js';
import { clearUsage, createUsage, forgetUsesOf, noteUse, type Usage } from './usage.js';

/** Targets counted at once, and how many are looked at for one that needs it no more. */
const MOST_COUNTED = 256;
const LOOK = 4;
/** A target asked so seldom, or not for so long, needs no count. */
const FEW_STARTS = 2;
const UNUSED_MS = 30_000;

/**
 * Where a refusal stops a target for everybody, endpoints take turns there: asked evenly, most limits are never met, and
 * the one that is met is told by how often the refused endpoint had been used. Only in the pool's first moments, and once
 * some target has shown that it counts: where nobody does, the quickest may carry all.
 */
export interface Courtesy {
  /** When the first question was put that calls for it. */
  beganAt: number;
  refusedAt: number;
  /** The targets that are counted, in a ring. */
  readonly counted: (TargetState | undefined)[];
  next: number;
}

export function createCourtesy(): Courtesy {
  return { beganAt: Number.NaN, refusedAt: Number.NEGATIVE_INFINITY, counted: [], next: 0 };
}

/** What is known of the target's uses, if its endpoints are to take turns. */
export function turnsOf({ courtesy, constants: c, targets, alone }: KernelState, query: RankQuery): Usage | undefined {
  if (Number.isNaN(courtesy.beganAt)) courtesy.beganAt = query.now;
  const where = targets.states[query.target]!;
  if (query.now - courtesy.refusedAt > c.courtesyKeepMs && query.now - courtesy.beganAt > c.courtesyStartMs) {
    return undefined;
  }
  where.usage ??= lend(courtesy, where, alone, query.now);
  // A pace sees to the turns itself; the uses are counted all the same.
  return where.intervalMs === 0 ? where.usage : undefined;
}

/** A count of its own, or that of a target which is asked no more or was hardly ever; none where all are in use. */
function lend(courtesy: Courtesy, where: TargetState, alone: boolean, now: number): Usage | undefined {
  for (let look = 0; look < LOOK; look += 1) {
    const former = courtesy.counted[courtesy.next];
    if (former === undefined || former.starts <= FEW_STARTS || now - former.startedAt > UNUSED_MS) {
      const usage = former?.usage ?? createUsage(alone);
      if (former !== undefined) former.usage = undefined;
      clearUsage(usage);
      courtesy.counted[courtesy.next] = where;
      courtesy.next = (courtesy.next + 1) % MOST_COUNTED;
      return usage;
    }
    courtesy.next = (courtesy.next + 1) % MOST_COUNTED;
  }
  return undefined;
}

/** An attempt starts on a target that is counted. */
export function countUse(where: TargetState, usage: Usage, row: number, now: number, c: EtsConstants): void {
  const fullMs = where.intervalMs === 0 ? c.graveFullMs : c.graveIdle * c.graveBurst * where.intervalMs;
  noteUse(usage, row, now, where.resumedAt, fullMs);
}

/** The row is about to be another endpoint's: the former one's uses are not its own. */
export function forgetUses({ counted }: Courtesy, row: number): void {
  for (const where of counted) if (where?.usage !== undefined) forgetUsesOf(where.usage, row);
}

/** The cheapest bucket that has anybody, the end of those that take turns with it, and after how many uses a turn comes. */
export function turnRange(sizes: Int32Array, c: EtsConstants): { from: number; to: number; after: number } {
  range.from = 0;
  while (range.from < BUCKETS && sizes[range.from] === 0) range.from += 1;
  range.to = Math.min(BUCKETS, range.from + c.courtesySpan);
  let count = 0;
  for (let bucket = range.from; bucket < range.to; bucket += 1) count += sizes[bucket]!;
  range.after = Math.floor(count * c.courtesyShare);
  return range;
}

const range = { from: 0, to: 0, after: 0 };

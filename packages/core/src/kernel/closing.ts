import { ALL_TIERS, isCandidate, type RankQuery } from './query.js';
import { FREED, type KernelState } from './state.js';

/**
 * A target that nobody can serve now is asked about again by each of its callers whenever anything comes back. That the
 * last look over all rows found nobody is therefore remembered: until the instant it named, only rows that have come free
 * since can change the answer.
 */
export function isClosed(state: KernelState, query: RankQuery): boolean {
  const where = state.targets.states[query.target]!;
  if (query.now >= where.closedUntil || state.freedCount - where.closedAt > FREED) return false;
  for (let index = where.closedAt; index < state.freedCount; index += 1) {
    if (isCandidate(state, state.freed[index % FREED]!, query)) return false;
  }
  state.opensAt = Math.min(state.opensAt, where.opensAt);
  // What one request has tried may serve the next: only a request that asks for nothing settles it for all.
  if (isPlain(query)) {
    where.closedAt = state.freedCount;
    where.opensAt = state.opensAt;
    where.closedUntil = Math.min(where.closedUntil, where.opensAt);
  }
  return true;
}

/** A look over all rows found nobody, and none to release before its time. */
export function close(state: KernelState, query: RankQuery): void {
  if (!isPlain(query)) return;
  const where = state.targets.states[query.target]!;
  where.opensAt = state.opensAt;
  where.closedAt = state.freedCount;
  // Whoever cools meanwhile may be released after this long, and no search looks at every row of a large table.
  where.closedUntil = Math.min(state.opensAt, query.now + state.constants.panicRestMs);
}

function isPlain({ triedCount, tags, tiers, strategy, allowed }: RankQuery): boolean {
  // One of a request's own may turn down whom others would take.
  if (strategy !== undefined) return false;
  return triedCount === 0 && tags === 0 && tiers === ALL_TIERS && allowed === undefined;
}

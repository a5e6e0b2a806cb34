import type { Instant, SharedContext } from '@fairlead/core';
import { span } from './admission.js';
import type { HeldLease } from './held-leases.js';
import type { Keys } from './keys.js';

/** One thing that a store which has lost its data is told: a key, and four words for the script. */
export interface Reassertion {
  readonly key: string;
  readonly args: readonly [string, string, string, string];
}

/**
 * All that this worker holds and believes. Leases first: limits are what the grace is for. A store that has lost nothing knows
 * better what was suspended, resumed, bound and unbound meanwhile; only what was bound without it is news there.
 */
export function* reassertions(
  keys: Keys,
  held: Iterable<HeldLease>,
  context: SharedContext,
  now: Instant,
  isLost: boolean,
): Generator<Reassertion> {
  for (const { id, endpoint, deadline } of held) {
    if (deadline > now) yield { key: keys.leases(endpoint), args: ['l', id, String(deadline - now), ''] };
  }
  for (const { key, target, aheadMs } of context.paces()) {
    yield { key: keys.pace(key, target), args: ['g', String(aheadMs), '', ''] };
  }
  for (const { target, forMs, why } of isLost ? context.suspensions() : []) {
    yield { key: keys.suspension(target), args: ['t', span(forMs), why, ''] };
  }
  for (const { session, key, generation, idleMs, endMs, usesLeft } of context.pins()) {
    if (!isLost && generation >= 0) continue;
    const life = `${span(endMs)} ${span(usesLeft)}`;
    yield { key: keys.pin(session), args: ['b', `${key} ${generation}`, life, span(idleMs)] };
  }
}

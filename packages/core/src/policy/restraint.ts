import type { Instant } from '../ports/clock.js';
import type { SuspensionPolicy } from './presets.js';

/** What is remembered of a target's refusals. */
export interface Restraint {
  /** Suspensions in a row: each doubles the next that names no time of its own. */
  spells: number;
  denials: Instant[];
}

export function createRestraint(): Restraint {
  return { spells: 0, denials: [] };
}

/** A 429: how long the target is left alone. Its own word wins over ours. */
export function throttledFor(memory: Restraint, askedMs: number | undefined, policy: SuspensionPolicy): number {
  const ours = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(memory.spells, 30));
  memory.spells += 1;
  memory.denials.length = 0;
  return askedMs ?? ours;
}

/** A 403: counted; the one that fills the window suspends, and a single one never does. 0 is no suspension. */
export function deniedFor(
  memory: Restraint,
  now: Instant,
  askedMs: number | undefined,
  policy: SuspensionPolicy,
): number {
  memory.denials = memory.denials.filter((at) => now - at < policy.withinMs);
  memory.denials.push(now);
  if (memory.denials.length < policy.denials) return 0;
  return throttledFor(memory, askedMs, policy);
}

/** The target answered as it should: what it refused before is forgotten. */
export function forgiven(memory: Restraint): void {
  memory.spells = 0;
  memory.denials.length = 0;
}

import type { Clock, Instant } from '../ports/clock.js';

/** A clock that stands still until told: everything due fires in order, at its own instant. */
export interface ManualClock extends Clock {
  advance(ms: number): void;
  /** The soonest instant at which something is due, or Infinity. */
  nextDue(): Instant;
}

interface Entry {
  readonly at: Instant;
  readonly callback: () => void;
}

/** The first of January 2026. */
const WALL_START = 1_767_225_600_000;

export function manualClock(start: Instant = 0): ManualClock {
  let now = start;
  const entries = new Set<Entry>();
  const soonest = (): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of entries) if (first === undefined || entry.at < first.at) first = entry;
    return first;
  };
  return {
    now: () => now,
    wallNow: () => WALL_START + now,
    nextDue: () => soonest()?.at ?? Number.POSITIVE_INFINITY,
    schedule(at, callback) {
      const entry = { at, callback };
      entries.add(entry);
      return () => entries.delete(entry);
    },
    advance(ms) {
      const end = now + ms;
      for (let entry = soonest(); entry !== undefined && entry.at <= end; entry = soonest()) {
        entries.delete(entry);
        now = Math.max(now, entry.at);
        entry.callback();
      }
      now = end;
    },
  };
}

import type { Clock } from '@fairlead/core';
import type { EventQueue } from './event-queue.js';

/** The pool's clock on the simulation's queue: it never reads the real one. */
export function virtualClock(queue: EventQueue): Clock {
  const callbacks = new Map<number, () => void>();
  let next = 0;
  const ring = (_now: number, key: number): void => {
    const callback = callbacks.get(key);
    callbacks.delete(key);
    callback?.();
  };
  return {
    now: () => queue.now,
    // Dates matter to Retry-After alone, and no simulated target sends one.
    wallNow: () => queue.now,
    schedule(at, callback) {
      const key = (next += 1);
      callbacks.set(key, callback);
      // No timer of the platform fires within its own millisecond, and neither does this one.
      const ticket = queue.schedule(Math.max(at, queue.now + 1), ring, key);
      return () => {
        callbacks.delete(key);
        queue.cancel(ticket);
      };
    },
  };
}

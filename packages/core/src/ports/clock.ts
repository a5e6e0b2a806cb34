/** Milliseconds on a clock that never goes back; meaningless between processes. */
export type Instant = number;

/** The one way time enters. Give a manual one to make a pool deterministic. */
export interface Clock {
  /** Monotonic: every deadline and every duration is taken from it. */
  now(): Instant;
  /** Milliseconds since 1970: only for dates that others wrote. */
  wallNow(): number;
  /** Calls back once at or after `at`; returns the cancellation. Must not keep the process alive. */
  schedule(at: Instant, callback: () => void): () => void;
}

/** Longer waits overflow the platform's timer, which would then fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  wallNow: () => Date.now(),
  schedule(at: Instant, callback: () => void) {
    const timer = setTimeout(callback, Math.min(Math.max(0, at - performance.now()), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
});

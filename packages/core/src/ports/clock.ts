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
  /** Keeps the process alive until the answer is called: somebody waits for what only a timer brings. Absent, nothing does. */
  hold?(): () => void;
}

/** Longer waits overflow the platform's timer, which would then fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Referenced while somebody holds it: made once, for a request at a time would make one for each. */
let anchor: NodeJS.Timeout | undefined;
let holders = 0;

function hold(): () => void {
  anchor ??= setInterval(() => undefined, LONGEST_TIMER_MS);
  holders += 1;
  anchor.ref();
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    holders -= 1;
    if (holders === 0) anchor?.unref();
  };
}

export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  wallNow: () => Date.now(),
  schedule(at: Instant, callback: () => void) {
    const timer = setTimeout(callback, Math.min(Math.max(0, at - performance.now()), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
  hold,
});

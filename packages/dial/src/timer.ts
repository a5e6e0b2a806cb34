/** Longer timers overflow and fire at once. */
const MAX_MS = 2 ** 31 - 1;

/** A timer for any duration that may be asked for; without an end there is none. */
export function startTimer(fire: () => void, ms: number): NodeJS.Timeout | undefined {
  return ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(fire, Math.min(ms, MAX_MS));
}

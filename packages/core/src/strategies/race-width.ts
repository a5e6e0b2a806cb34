/** Until so many attempts are known the race is wider, since its rate is a guess. */
const COLD_ATTEMPTS = 20;

/** How sure a race is to bring one good answer. @default 0.9 */
const CONFIDENCE = 0.9;

/**
 * How many paths to send at once so that one of them succeeds nine times in ten: ceil(ln(1 − .9)/ln(1 − p)), between 1
 * and `most`; one more while little is known. For idempotent requests only, which is for the caller to see to.
 */
export function raceWidth(rate: number, attempts: number, most: number): number {
  const p = Math.min(0.999, Math.max(0.001, rate));
  const enough = Math.ceil(Math.log(1 - CONFIDENCE) / Math.log(1 - p) - 1e-9);
  return Math.min(most, Math.max(1, enough + (attempts < COLD_ATTEMPTS ? 1 : 0)));
}

import type { GenericAbortSignal } from 'axios';

/**
 * Aborts as soon as either does. Wired by hand: on Node 20 a signal of `AbortSignal.any` can be collected before it fires.
 * Call `release` when the attempt is over, or the user's signal would hold on to every attempt ever made.
 */
export function eitherSignal(
  ours: AbortSignal,
  theirs: GenericAbortSignal | undefined,
): { readonly signal: AbortSignal; release(): void } {
  if (theirs === undefined) return { signal: ours, release: () => undefined };
  const controller = new AbortController();
  const abortOurs = (): void => controller.abort(ours.reason);
  const abortTheirs = (): void => controller.abort('reason' in theirs ? theirs.reason : undefined);
  if (ours.aborted) abortOurs();
  if (theirs.aborted) abortTheirs();
  ours.addEventListener('abort', abortOurs);
  theirs.addEventListener?.('abort', abortTheirs);
  return {
    signal: controller.signal,
    release() {
      ours.removeEventListener('abort', abortOurs);
      theirs.removeEventListener?.('abort', abortTheirs);
    },
  };
}

/**
 * Aborts as soon as either does. Wired by hand: on Node 20 a signal of `AbortSignal.any` can be collected before it fires.
 * Call `release` when the work is over, or the longer-lived signal would hold on to it.
 */
export function eitherSignal(
  one: AbortSignal,
  other: AbortSignal | undefined,
): { readonly signal: AbortSignal; release(): void } {
  if (other === undefined) return { signal: one, release: () => undefined };
  const controller = new AbortController();
  const abort = (): void => controller.abort(one.aborted ? one.reason : other.reason);
  if (one.aborted || other.aborted) abort();
  one.addEventListener('abort', abort);
  other.addEventListener('abort', abort);
  const release = (): void => {
    one.removeEventListener('abort', abort);
    other.removeEventListener('abort', abort);
  };
  return { signal: controller.signal, release };
}

import { RetryRequestError, SessionError, type Request } from '@crawlee/core';

/** As much of a crawler as says how often pages are retried. */
interface RetryLimits {
  readonly maxRequestRetries?: number;
}

/** Crawlee asks its error handler about failures that it would retry only: half a retry more, and it asks about the last one too. */
const RESERVE = 0.5;

/** What the user had set where the reserve is now. */
const owns = new WeakMap<Request, number | undefined>();

/** Makes Crawlee ask about every failure of the page, its last included. Doing it twice changes nothing. */
export function reserveRetry(request: Request, crawler: object): void {
  const own = owns.has(request) ? owns.get(request) : request.maxRetries;
  const most = own ?? (crawler as RetryLimits).maxRequestRetries ?? 0;
  if (!Number.isFinite(most)) return;
  owns.set(request, own);
  request.maxRetries = Math.floor(most) + RESERVE;
}

/** Once Crawlee has asked: the user's handlers and the queue see what the user had set. */
export function restoreRetries(request: Request): void {
  if (!owns.has(request)) return;
  request.maxRetries = owns.get(request) as number;
  owns.delete(request);
}

/**
 * True when Crawlee retries only because of the reserve: the page's own retries are used up. What the gateway refused is a plain
 * failure, however often Crawlee would change its session for it.
 */
export function isReserve({ maxRetries = Infinity, retryCount }: Request, error: Error, refused: boolean): boolean {
  return (refused || !(error instanceof RetryRequestError)) && retryCount + 1 > maxRetries;
}

/** Takes the retry back that Crawlee is about to count, and the message that it has written down for it. */
export function refund(request: Request, error: Error): void {
  request.errorMessages.pop();
  request.retryCount -= 1;
  if (error instanceof SessionError) request.sessionRotationCount = (request.sessionRotationCount ?? 0) - 1;
}

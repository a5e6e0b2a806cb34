import { finished, type Readable } from 'node:stream';
import type { Lease, Outcome } from '@fairlead/core';
import type { Exchange } from '@fairlead/dial';

export function isStream(value: unknown): value is Readable {
  return typeof (Object(value) as { pipe?: unknown }).pipe === 'function';
}

/** Settles the lease when the streamed answer ends, breaks, or is dropped by who reads it. */
export function hold(
  stream: Readable,
  lease: Lease,
  { outcome, exchange }: { readonly outcome: Outcome; readonly exchange: Exchange },
): void {
  const since = performance.now();
  finished(stream, { writable: false }, (error) => {
    const elapsedMs = performance.now() - since;
    if (error == null) lease.settle(outcome);
    else if (isDropped(error)) lease.settle({ kind: 'abandoned', elapsedMs });
    else lease.settle(exchange.failure(error, elapsedMs, { response: true }));
  });
}

/** Closed before its end, and not for any error: that was the reader. */
function isDropped({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_STREAM_PREMATURE_CLOSE';
}

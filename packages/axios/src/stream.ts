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
  let dropped = false;
  const { destroy } = stream;
  // Node tells of a reader that stops by the same error as of a connection that breaks.
  stream.destroy = (error?: Error) => {
    dropped ||= error == null;
    return destroy.call(stream, error);
  };
  finished(stream, { writable: false }, (error) => {
    const elapsedMs = performance.now() - since;
    if (error == null) lease.settle(outcome);
    else if (dropped || exchange.dropped) lease.settle({ kind: 'abandoned', elapsedMs });
    else lease.settle(exchange.failure(error, elapsedMs, { response: true }));
  });
}

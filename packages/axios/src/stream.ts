import { finished, PassThrough, type Readable } from 'node:stream';
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

/** The first bytes of a stream, and a stream that still has them. Rejects when it breaks before those are there. */
export function peek(
  stream: Readable,
  bytes: number,
): Promise<{ readonly prefix: Uint8Array; readonly whole: Readable }> {
  // Room for the prefix, or its own stream would wait for a reader before it is there.
  const whole = new PassThrough({ highWaterMark: bytes + 65_536 });
  const chunks: Buffer[] = [];
  let size = 0;
  // Whoever reads it listens later, or never.
  whole.on('error', ignore);
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= bytes) enough();
    };
    const enough = (): void => {
      stream.off('data', look).off('end', enough).off('close', dropped);
      resolve({ prefix: Buffer.concat(chunks).subarray(0, bytes), whole });
    };
    const broken = (error: Error): void => {
      // Once the promise is resolved it is the reader's to hear.
      reject(error);
      whole.destroy(error);
    };
    const dropped = (): void => broken(new Error('the answer was dropped'));
    stream.on('data', look).on('error', broken).once('end', enough).once('close', dropped);
    whole.once('close', () => stream.destroy());
    stream.pipe(whole);
  });
}

function ignore(): void {}

import type { Socket } from 'node:net';
import { ignore } from './listener.js';

/** Waits for the upstream side of a tunnel; a client that leaves meanwhile takes it along. */
export function connected(
  client: Socket,
  upstream: Socket,
  then: { readonly ready: () => void; readonly failed: (error: NodeJS.ErrnoException) => void },
): void {
  const abandon = () => upstream.destroy();
  client.once('close', abandon);
  upstream.once('error', then.failed);
  upstream.once('connect', () => {
    client.off('close', abandon);
    upstream.off('error', then.failed).on('error', ignore);
    then.ready();
  });
}

/** Joins two sockets until both are closed. What one side still had to say is delivered first. */
export function relay(client: Socket, upstream: Socket): void {
  client.pipe(upstream);
  upstream.pipe(client);
  takeDownTogether(client, upstream);
  takeDownTogether(upstream, client);
}

function takeDownTogether(gone: Socket, other: Socket): void {
  gone.once('close', () => {
    // After a clean end pipe has called end() and the rest is still being written. Without
    // resume() a socket whose pipe lost its reader would never see its own end.
    if (gone.readableEnded) other.resume().end();
    else other.destroy();
  });
}

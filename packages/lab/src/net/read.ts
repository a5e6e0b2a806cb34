import type { Socket } from 'node:net';

/** Resolves with exactly `size` bytes and leaves the rest unread. Rejects if the peer goes away first. */
export function readExactly(socket: Socket, size: number): Promise<Buffer> {
  return readPart(socket, (seen) => (seen.length >= size ? size : undefined));
}

/** Resolves with all up to and including `end`, and leaves what came after it unread. */
export function readUntil(socket: Socket, end: string): Promise<Buffer> {
  return readPart(socket, (seen) => {
    const at = seen.indexOf(end);
    return at === -1 ? undefined : at + end.length;
  });
}

/** @param sizeOf tells how much of what was seen is wanted, once it is all there. */
async function readPart(socket: Socket, sizeOf: (seen: Buffer) => number | undefined): Promise<Buffer> {
  let seen = Buffer.alloc(0);
  for (;;) {
    const size = sizeOf(seen);
    if (size !== undefined) {
      if (seen.length > size) socket.unshift(seen.subarray(size));
      return seen.subarray(0, size);
    }
    // Take all there is: a stream with bytes left in it says 'readable' at once, for ever, and starves the sockets.
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) await readable(socket);
    else seen = Buffer.concat([seen, chunk]);
  }
}

function readable(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => () => {
      socket.off('readable', onReadable).off('end', onGone).off('close', onGone);
      act();
    };
    const onReadable = settle(resolve);
    const onGone = settle(() => reject(new Error('the client went away')));
    if (socket.readableEnded || socket.destroyed) {
      reject(new Error('the client went away'));
      return;
    }
    socket.on('readable', onReadable).on('end', onGone).on('close', onGone);
  });
}

import type { Socket } from 'node:net';

/** Resolves with exactly `size` bytes and leaves the rest unread. Never settles early: rejects if the peer goes away. */
export async function readExactly(socket: Socket, size: number): Promise<Buffer> {
  for (;;) {
    const chunk = size === 0 ? Buffer.alloc(0) : (socket.read(size) as Buffer | null);
    if (chunk?.length === size) return chunk;
    await readable(socket);
  }
}

/** Resolves with all up to and including `end`, and puts back what came after it. */
export async function readUntil(socket: Socket, end: string): Promise<Buffer> {
  let seen = Buffer.alloc(0);
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) {
      seen = Buffer.concat([seen, chunk]);
      const at = seen.indexOf(end);
      if (at !== -1) {
        const rest = seen.subarray(at + end.length);
        if (rest.length > 0) socket.unshift(rest);
        return seen.subarray(0, at + end.length);
      }
    }
    await readable(socket);
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

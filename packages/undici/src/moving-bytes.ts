import type { Duplex } from 'node:stream';

/** Tells of each read and each write. A listener for data would set the socket flowing before its reader is there. */
export function onBytes(socket: Duplex, moved: () => void): void {
  const { push, write } = socket;
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    moved();
    return push.call(socket, chunk, encoding);
  };
  socket.write = ((...written: Parameters<Duplex['write']>) => {
    moved();
    return write.apply(socket, written);
  }) as Duplex['write'];
}

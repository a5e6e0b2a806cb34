import type { Socket } from 'node:net';

/**
 * Resets a TCP connection at once. Node's own resetAndDestroy shuts the socket down in good order first,
 * and a client that reads the FIN before the RST sees a clean end.
 */
export function sendReset(raw: Socket): void {
  raw.destroySoon = () => raw.destroy();
  raw.resetAndDestroy();
}

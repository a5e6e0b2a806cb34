import type { Socket } from 'node:net';

/**
 * Closes sockets that nobody has used for a while. One timer for all of them: setting and clearing a timeout of its own
 * on each socket for each request would cost more than all else the agent does.
 */
export class IdleSockets {
  readonly #idleMs: number;
  /** Since when; in order of that, for a Map keeps the order of insertion. */
  readonly #since = new Map<Socket, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  add(socket: Socket): void {
    this.#since.set(socket, performance.now());
    if (this.#timer !== undefined || !Number.isFinite(this.#idleMs)) return;
    // Idle sockets keep no process alive, and neither does this.
    this.#timer = setTimeout(this.#sweep, this.#idleMs).unref();
  }

  /** Taken into use, or gone. */
  delete(socket: Socket): void {
    this.#since.delete(socket);
  }

  closeAll(): void {
    for (const socket of this.#since.keys()) socket.destroy();
    this.#since.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const [socket, since] of this.#since) {
      const left = since + this.#idleMs - now;
      if (left > 0 && !socket.destroyed) {
        this.#timer = setTimeout(this.#sweep, left).unref();
        return;
      }
      this.#since.delete(socket);
      socket.destroy();
    }
  };
}

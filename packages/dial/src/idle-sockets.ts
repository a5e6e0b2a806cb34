import type { Socket } from 'node:net';
import { startTimer } from './timer.js';

/**
 * Closes sockets that nobody has used for a while. One timer for all of them: setting and clearing a timeout of its own
 * on each socket for each request would cost more than all else the agent does.
 */
export class IdleSockets {
  readonly #idleMs: number;
  readonly #until = new Map<Socket, number>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #next = Number.POSITIVE_INFINITY;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** From now on; `mostMs` is how long its server keeps it. */
  add(socket: Socket, mostMs: number): void {
    const until = performance.now() + Math.min(this.#idleMs, mostMs);
    this.#until.set(socket, until);
    if (until < this.#next) this.#wakeAt(until);
  }

  /** Taken into use, or gone. */
  delete(socket: Socket): void {
    this.#until.delete(socket);
  }

  closeAll(): void {
    for (const socket of this.#until.keys()) socket.destroy();
    this.#until.clear();
    this.#wakeAt(Number.POSITIVE_INFINITY);
  }

  #wakeAt(next: number): void {
    clearTimeout(this.#timer);
    this.#next = next;
    // Idle sockets keep no process alive, and neither does this.
    this.#timer = startTimer(this.#sweep, next - performance.now())?.unref();
  }

  readonly #sweep = (): void => {
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [socket, until] of this.#until) {
      if (until > now) next = Math.min(next, until);
      else {
        this.#until.delete(socket);
        socket.destroy();
      }
    }
    // Many that fall due one after another are looked through together.
    this.#wakeAt(this.#until.size === 0 ? next : Math.max(next, now + LEAST_BETWEEN_MS));
  };
}

const LEAST_BETWEEN_MS = 20;

import type { Socket } from 'node:net';

export interface GateLimits {
  readonly maxConnections: number;
  readonly maxPerPeer: number;
}

/** Who is connected: so many in all, so many from one address. */
export class ConnectionGate {
  readonly #limits: GateLimits;
  readonly #sockets = new Set<Socket>();
  readonly #byPeer = new Map<string, number>();

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** False when there is no room. */
  enter(socket: Socket): boolean {
    const peer = socket.remoteAddress ?? '';
    const before = this.#byPeer.get(peer) ?? 0;
    if (this.#sockets.size >= this.#limits.maxConnections || before >= this.#limits.maxPerPeer) return false;
    this.#sockets.add(socket);
    this.#byPeer.set(peer, before + 1);
    socket.once('close', () => this.#leave(socket, peer));
    return true;
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #leave(socket: Socket, peer: string): void {
    this.#sockets.delete(socket);
    const left = (this.#byPeer.get(peer) ?? 1) - 1;
    if (left > 0) this.#byPeer.set(peer, left);
    else this.#byPeer.delete(peer);
  }
}

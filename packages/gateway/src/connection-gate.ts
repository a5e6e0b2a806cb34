import type { Socket } from 'node:net';

export interface GateLimits {
  readonly maxConnections: number;
  readonly maxPerPeer: number;
}

const MOST_LINGERING = 200;

/** Who is connected: so many in all, so many from one address. */
export class ConnectionGate {
  readonly #limits: GateLimits;
  readonly #sockets = new Set<Socket>();
  /** Kept only while there are enough connections for one address to have too many: asking for it costs a system call. */
  #byPeer: Map<string, number> | undefined;

  #lingering = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** False when there is no room. */
  enter(socket: Socket): boolean {
    const { maxConnections, maxPerPeer } = this.#limits;
    if (this.#sockets.size >= maxConnections) return false;
    if (this.#sockets.size >= maxPerPeer) {
      this.#byPeer ??= countPeers(this.#sockets);
      if ((this.#byPeer.get(peerOf(socket)) ?? 0) >= maxPerPeer) return false;
    }
    this.#sockets.add(socket);
    this.#count(socket, 1);
    socket.on('close', () => this.#leave(socket));
    return true;
  }

  /** Who is turned away may hear why, as long as those that still listen are few. */
  turnAway(socket: Socket, tell: () => void): void {
    if (this.#lingering >= MOST_LINGERING) return void socket.destroy();
    this.#lingering += 1;
    socket.once('close', () => (this.#lingering -= 1));
    tell();
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #leave(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#count(socket, -1);
    if (this.#sockets.size < this.#limits.maxPerPeer / 2) this.#byPeer = undefined;
  }

  #count(socket: Socket, by: 1 | -1): void {
    if (this.#byPeer === undefined) return;
    const peer = peers.get(socket) ?? peerOf(socket);
    const count = (this.#byPeer.get(peer) ?? 0) + by;
    if (count > 0) this.#byPeer.set(peer, count);
    else this.#byPeer.delete(peer);
  }
}

/** A closed socket has forgotten where it came from. */
const peers = new WeakMap<Socket, string>();

function peerOf(socket: Socket): string {
  const peer = socket.remoteAddress ?? '';
  peers.set(socket, peer);
  return peer;
}

function countPeers(sockets: Iterable<Socket>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const socket of sockets) counts.set(peerOf(socket), (counts.get(peerOf(socket)) ?? 0) + 1);
  return counts;
}

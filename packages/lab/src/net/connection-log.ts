import type { Socket } from 'node:net';

/** One client's connection as the server saw it. The bytes are those on the wire, TLS included. */
export interface Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly open: boolean;
  /** Bytes the client sent. */
  readonly bytesIn: number;
  /** Bytes sent to the client. */
  readonly bytesOut: number;
}

function watch(socket: Socket): Connection {
  // A benchmark makes many thousands of connections: keep the figures, not the sockets.
  let live: Socket | undefined = socket;
  const last = { in: 0, out: 0 };
  socket.once('close', () => {
    last.in = socket.bytesRead;
    last.out = socket.bytesWritten;
    live = undefined;
  });
  return {
    remoteAddress: socket.remoteAddress ?? '',
    remotePort: socket.remotePort ?? 0,
    get open() {
      return live !== undefined;
    },
    get bytesIn() {
      return live?.bytesRead ?? last.in;
    },
    get bytesOut() {
      return live?.bytesWritten ?? last.out;
    },
  };
}

/** What a server has accepted so far. */
export interface Connections {
  /** Ever accepted. */
  readonly opened: number;
  /** Accepted and not closed yet. */
  readonly open: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly each: readonly Connection[];
}

export class ConnectionLog implements Connections {
  readonly each: Connection[] = [];
  #byPeer = new Map<string, Connection>();

  add(socket: Socket): Connection {
    const connection = watch(socket);
    this.each.push(connection);
    const peer = peerOf(socket);
    this.#byPeer.set(peer, connection);
    socket.once('close', () => this.#byPeer.delete(peer));
    return connection;
  }

  /** By address and port, because a TLS socket does not tell which raw socket it stands on. */
  of(socket: Socket): Connection | undefined {
    return this.#byPeer.get(peerOf(socket));
  }

  get opened(): number {
    return this.each.length;
  }

  get open(): number {
    return this.#byPeer.size;
  }

  get bytesIn(): number {
    return this.each.reduce((sum, { bytesIn }) => sum + bytesIn, 0);
  }

  get bytesOut(): number {
    return this.each.reduce((sum, { bytesOut }) => sum + bytesOut, 0);
  }
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}

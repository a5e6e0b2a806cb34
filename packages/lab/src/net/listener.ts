import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { ConnectionLog } from './connection-log.js';
import type { Connections } from './connection-log.js';

/** What every server of the lab offers, whether it works or not. */
export interface LabServer {
  /** Where to reach it, with credentials where it has some. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly connections: Connections;
  /** Resolves once no client is connected. */
  idle(): Promise<void>;
  /** Stops listening and destroys every socket, its own and those it opened for clients. */
  close(): Promise<void>;
}

/** A TCP listener that counts its clients and takes everything down with it. */
export class Listener {
  readonly connections = new ConnectionLog();
  readonly host: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();

  private constructor(host: string, server: Server) {
    this.host = host;
    this.#server = server;
  }

  /** @param accept is given each raw socket, before any TLS. */
  static async open(host: string, accept: (socket: Socket, listener: Listener) => void): Promise<Listener> {
    const server = createServer();
    const listener = new Listener(host, server);
    server.on('connection', (socket) => {
      listener.#admit(socket);
      accept(socket, listener);
    });
    server.listen(0, host);
    await once(server, 'listening');
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The host and port as they stand in a URL. */
  get authority(): string {
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`;
  }

  /** Also destroys this socket on close: one that was opened on a client's behalf. */
  own(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', ignore);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }

  /** The TCP socket under a TLS one: only that can send a reset. */
  rawOf(socket: Socket): Socket | undefined {
    const { remoteAddress, remotePort } = socket;
    return [...this.#sockets].find((raw) => raw.remotePort === remotePort && raw.remoteAddress === remoteAddress);
  }

  idle(): Promise<void> {
    if (this.connections.open === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #admit(socket: Socket): void {
    this.own(socket);
    socket.setNoDelay(true);
    this.connections.add(socket);
    socket.once('close', () => {
      if (this.connections.open > 0) return;
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
    });
  }
}

/** The listener's part of a LabServer. Its port is read once: it is gone after close. */
export function labServer(listener: Listener, url: string): LabServer {
  return {
    url,
    host: listener.host,
    port: listener.port,
    connections: listener.connections,
    idle: () => listener.idle(),
    close: () => listener.close(),
  };
}

/** Clients of a lab reset and vanish by design; the close that follows is all that matters. */
export function ignore(): void {}

import type { Agent, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from '@fairlead/core';
import { canForward, dialPlain, toAbsoluteForm } from './absolute-form.js';
import { requestInternals, type ConnectionOptions, type Created } from './agent-internals.js';
import { carrierOf } from './carrier.js';
import { dial, dialProxy, type DialSettings } from './dial.js';
import { DialSlots } from './dial-slots.js';
import { IdleSockets } from './idle-sockets.js';
import { termsOf } from './lease-agents.js';

export interface TunnelSettings extends DialSettings {
  readonly idleMs: number;
  readonly plain?: 'tunnel' | 'absolute';
}

/** What both agents do the same way; Node's own two classes leave no common base to put it in. */
export class Tunnels {
  readonly #endpoint: Endpoint;
  readonly #slots: DialSlots;
  readonly #idle: IdleSockets;
  readonly #plain: typeof dial;
  #draining = false;
  /** Whom Node is creating a socket for: `createConnection` is not told. */
  #asking: ClientRequest | undefined;

  constructor(agent: Agent, endpoint: Endpoint, { idleMs, plain, ...settings }: TunnelSettings) {
    this.#endpoint = endpoint;
    this.#slots = new DialSlots(agent, endpoint, settings);
    this.#idle = new IdleSockets(idleMs);
    this.#plain = plain === 'absolute' && canForward(endpoint) ? dialProxy : dialPlain;
  }

  asking(request: ClientRequest, create: () => void): void {
    this.#asking = request;
    try {
      create();
    } finally {
      this.#asking = undefined;
    }
  }

  openPlain(options: ConnectionOptions, created: Created): void {
    this.#slots.fill(this.#asking, options, this.#plain, (socket) => socket, created);
  }

  openSecure(options: ConnectionOptions, secure: (socket: Socket) => Socket, created: Created): void {
    this.#slots.fill(this.#asking, options, dial, secure, created);
  }

  keeps(socket: Socket, kept: boolean): boolean {
    if (!kept || this.#draining) return false;
    this.#idle.add(socket);
    return true;
  }

  reused(socket: Socket, request: ClientRequest): void {
    this.#idle.delete(socket);
    carrierOf(socket)?.flow?.handTo(termsOf(request)?.session);
  }

  /** Rewrites the request at the moment it gets a socket that leads to the proxy itself. */
  watchForAbsolute(request: ClientRequest): void {
    if (!canForward(this.#endpoint)) return;
    const inner = requestInternals(request);
    const { onSocket } = inner;
    inner.onSocket = (socket, error) => {
      const absolute = socket !== null && socket !== undefined && carrierOf(socket)?.via === 'absolute';
      // A kept socket comes within the constructor, before the caller has said a word: the head is made a tick later.
      if (absolute) process.nextTick(() => request.destroyed || toAbsoluteForm(request, this.#endpoint));
      onSocket.call(request, socket, error);
    };
  }

  drain(): void {
    this.#draining = true;
    this.#idle.closeAll();
  }
}

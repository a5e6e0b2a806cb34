import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from '@fairlead/core';
import { canForward, dialPlain, inAbsoluteForm } from './absolute-form.js';
import { requestInternals, type ConnectionOptions, type Created } from './agent-internals.js';
import { carrierOf } from './carrier.js';
import { dialProxy, dialTunnel, type DialSettings } from './dial.js';
import { DialSlots, type Dress } from './dial-slots.js';
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
  /** Whether requests can have to wait for a place. */
  readonly #bounded: boolean;
  readonly #plain: typeof dialTunnel;
  #draining = false;
  /** Whom Node is creating a socket for: `createConnection` is not told. */
  #asking: ClientRequest | undefined;

  constructor(agent: Agent, endpoint: Endpoint, { idleMs, plain, ...settings }: TunnelSettings) {
    this.#endpoint = endpoint;
    this.#bounded = Number.isFinite(agent.maxSockets);
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

  openSecure(options: ConnectionOptions, secure: Dress, created: Created): void {
    this.#slots.fill(this.#asking, options, dialTunnel, secure, created);
  }

  /** Called for each request once Node has given it a socket, a dial or a place in its queue. */
  placed(request: ClientRequest): void {
    if (this.#bounded) this.#slots.watchQueued(request);
  }

  keeps(socket: Socket, kept: boolean): boolean {
    if (!kept || this.#draining) return false;
    this.#idle.add(socket, keptByServerMs(socket));
    return true;
  }

  /** Leaves its place, closed or kept. */
  left(socket: Socket): void {
    if (socket.destroyed) this.#idle.delete(socket);
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
      const carrier = socket ? carrierOf(socket) : undefined;
      if (socket && carrier?.via === 'absolute') inAbsoluteForm(request, socket, carrier, this.#endpoint);
      onSocket.call(request, socket, error);
    };
  }

  drain(): void {
    this.#draining = true;
    this.#idle.closeAll();
  }
}

/** Node lets a hint shorten a timeout that the agent has, and ours has none. It refuses those of a second or less. */
function keptByServerMs(socket: Socket): number {
  const { _httpMessage: request } = socket as { _httpMessage?: { res?: IncomingMessage } };
  const hint = request?.res?.headers['keep-alive'];
  if (hint === undefined) return Number.POSITIVE_INFINITY;
  const seconds = Number(/(?:^|[\s,])timeout=(\d+)/.exec(String(hint))?.[1] ?? Number.POSITIVE_INFINITY);
  return seconds * 1000 - HINT_MARGIN_MS;
}

/** What is sent in the last moment of a connection meets its close. */
const HINT_MARGIN_MS = 1000;

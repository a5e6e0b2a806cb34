import { Agent as HttpAgent, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Endpoint } from '@fairlead/core';
import { internals, type ConnectionOptions, type Created } from './agent-internals.js';
import { carrierOf, carry } from './carrier.js';
import type { DialSettings } from './dial.js';
import { noteFailure } from './failure-notes.js';
import type { Agents } from './lease-agents.js';
import { SharedContext, type TargetTlsOptions } from './target-tls.js';
import { Tunnels } from './tunnels.js';

/** The defaults of `AgentOptions`, in one place. */
export const AGENT_DEFAULTS = Object.freeze({
  keepAlive: true,
  maxSockets: Number.POSITIVE_INFINITY,
  maxFreeSockets: 256,
  idleMs: 60_000,
});

export interface AgentOptions extends DialSettings {
  /** Keep tunnels open for the next request to the same origin. @default true */
  readonly keepAlive?: boolean;
  /** Most tunnels to one origin at once. @default Infinity */
  readonly maxSockets?: number;
  /** Most idle tunnels kept to one origin. @default 256 */
  readonly maxFreeSockets?: number;
  /** TLS to the target, such as `ca`. */
  readonly tls?: TargetTlsOptions;
  /** How plain `http://` targets are reached through an HTTP proxy. @default 'tunnel' */
  readonly plain?: 'tunnel' | 'absolute';
  /** An idle tunnel is closed after this. @default 60_000 */
  readonly idleMs?: number;
}

/** Node agents that send every request through one proxy. They share tunnels with whoever uses the same pair. */
export function agentsFor(endpoint: Endpoint, options: AgentOptions = {}): Agents {
  return { http: new TunnelHttpAgent(endpoint, options), https: new TunnelHttpsAgent(endpoint, options) };
}

/** Lets running requests finish, closes each tunnel as it falls idle, and keeps none any more. */
export function drainAgents({ http, https }: Agents): void {
  for (const agent of [http, https]) {
    if (agent instanceof TunnelHttpAgent || agent instanceof TunnelHttpsAgent) agent.drain();
  }
}

function nodeOptions(
  options: AgentOptions,
): Pick<Required<AgentOptions>, 'keepAlive' | 'maxSockets' | 'maxFreeSockets'> {
  const { keepAlive, maxSockets, maxFreeSockets } = { ...AGENT_DEFAULTS, ...options };
  return { keepAlive, maxSockets, maxFreeSockets };
}

export class TunnelHttpAgent extends HttpAgent {
  readonly #tunnels: Tunnels;

  constructor(endpoint: Endpoint, options: AgentOptions = {}) {
    super({ ...nodeOptions(options), scheduling: 'lifo' });
    this.#tunnels = new Tunnels(this, endpoint, { ...options, idleMs: options.idleMs ?? AGENT_DEFAULTS.idleMs });
  }

  addRequest(request: ClientRequest, options: ConnectionOptions): void {
    this.#tunnels.watchForAbsolute(request);
    internals(HttpAgent.prototype).addRequest.call(this, request, options);
  }

  createSocket(request: ClientRequest, options: ConnectionOptions, created: Created): void {
    this.#tunnels.asking(request, () =>
      internals(HttpAgent.prototype).createSocket.call(this, request, options, created),
    );
  }

  override createConnection(options: ConnectionOptions, created: Created = ignore): undefined {
    this.#tunnels.openPlain(options, created);
  }

  override keepSocketAlive(socket: Duplex): boolean {
    return this.#tunnels.keeps(
      socket as Socket,
      internals(HttpAgent.prototype).keepSocketAlive.call(this, socket as Socket),
    );
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    internals(HttpAgent.prototype).reuseSocket.call(this, socket as Socket, request);
    this.#tunnels.reused(socket as Socket, request);
  }

  drain(): void {
    this.#tunnels.drain();
  }
}

export class TunnelHttpsAgent extends HttpsAgent {
  readonly #tunnels: Tunnels;
  readonly #context: SharedContext;

  constructor(endpoint: Endpoint, options: AgentOptions = {}) {
    super({ ...options.tls, ...nodeOptions(options), scheduling: 'lifo' });
    this.#tunnels = new Tunnels(this, endpoint, { ...options, idleMs: options.idleMs ?? AGENT_DEFAULTS.idleMs });
    this.#context = new SharedContext(options.tls);
  }

  createSocket(request: ClientRequest, options: ConnectionOptions, created: Created): void {
    this.#tunnels.asking(request, () =>
      internals(HttpAgent.prototype).createSocket.call(this, request, options, created),
    );
  }

  override createConnection(options: ConnectionOptions, created: Created = ignore): undefined {
    this.#tunnels.openSecure(options, (socket) => this.#secure(socket, options), created);
  }

  /** TLS to the target over the tunnel: Node's own agent does it, with its cache of sessions. */
  #secure(tunnel: Socket, options: ConnectionOptions): Socket {
    const secure = internals(HttpsAgent.prototype).createConnection.call(this, {
      ...options,
      ...this.#context.for(options),
      socket: tunnel,
    } as ConnectionOptions);
    const socket = secure as TLSSocket;
    const carrier = carrierOf(tunnel);
    if (carrier !== undefined) carry(socket, carrier);
    const note = (error: Error) => noteFailure(error, { phase: 'target-tls', sent: 'nothing' });
    socket.prependOnceListener('error', note);
    socket.once('secureConnect', () => socket.off('error', note));
    return socket;
  }

  override keepSocketAlive(socket: Duplex): boolean {
    return this.#tunnels.keeps(
      socket as Socket,
      internals(HttpAgent.prototype).keepSocketAlive.call(this, socket as Socket),
    );
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    internals(HttpAgent.prototype).reuseSocket.call(this, socket as Socket, request);
    this.#tunnels.reused(socket as Socket, request);
  }

  drain(): void {
    this.#tunnels.drain();
  }
}

function ignore(): void {}

import type { Agent, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from '@fairlead/core';
import {
  internals,
  requestInternals,
  type AgentInternals,
  type ConnectionOptions,
  type Created,
} from './agent-internals.js';
import { Abandonment } from './attempt.js';
import type { DialOptions, DialSettings } from './dial.js';
import { forgetNote, noteFailure } from './failure-notes.js';
import { termsOf } from './lease-agents.js';

type Open = (endpoint: Endpoint, options: DialOptions) => Promise<Socket>;

/**
 * Dials for one agent. Node counts a socket only once it exists, so each dial holds a place among the agent's sockets:
 * `maxSockets` holds while dialling, and `agent.destroy()` ends what is still being dialled.
 */
export class DialSlots {
  readonly #agent: Agent;
  readonly #internals: AgentInternals;
  readonly #endpoint: Endpoint;
  readonly #settings: DialSettings;

  constructor(agent: Agent, endpoint: Endpoint, settings: DialSettings) {
    this.#agent = agent;
    this.#internals = internals(agent);
    this.#endpoint = endpoint;
    this.#settings = settings;
  }

  /** Dials for `request`; `created` gets what `dress` makes of the socket. */
  fill(
    request: ClientRequest | undefined,
    options: ConnectionOptions,
    open: Open,
    dress: (socket: Socket) => Socket,
    created: Created,
  ): void {
    const name = options._agentKey ?? '';
    const abort = new AbortController();
    const slot = { destroy: () => abort.abort() };
    const unhook = request && hookDestroy(request, (error) => abandon(abort, [request, error]));
    this.#take(name, slot);
    open(this.#endpoint, this.#dialOptions(request, options, abort.signal)).then(
      (socket) => {
        unhook?.();
        this.#giveBack(name, slot);
        this.#dress(request, socket, dress, created);
      },
      (error: Error) => {
        unhook?.();
        this.#giveBack(name, slot);
        this.#failed(name, request, options, error, created);
      },
    );
  }

  /** TLS options come from the caller, and Node throws at what is wrong with them. */
  #dress(
    request: ClientRequest | undefined,
    socket: Socket,
    dress: (socket: Socket) => Socket,
    created: Created,
  ): void {
    let dressed: Socket;
    try {
      dressed = dress(socket);
    } catch (error) {
      socket.destroy();
      (created as (error: unknown) => void)(error);
      return;
    }
    if (request !== undefined && dressed !== socket) {
      // Until TLS stands nothing is sent, and a library that calls the request off gives no reason that would say so.
      noteFailure(request, { phase: 'target-tls', sent: 'nothing' });
      dressed.once('secureConnect', () => forgetNote(request));
    }
    created(null, dressed);
  }

  #dialOptions(request: ClientRequest | undefined, options: ConnectionOptions, signal: AbortSignal): DialOptions {
    const terms = request && termsOf(request);
    const host = options.host ?? options.hostname ?? 'localhost';
    return { ...this.#settings, ...terms, host, port: Number(options.port), signal };
  }

  #take(name: string, slot: object): void {
    (this.#internals.sockets[name] ??= []).push(slot);
    this.#internals.totalSocketCount += 1;
  }

  #giveBack(name: string, slot: object): void {
    const { sockets } = this.#internals;
    const places = sockets[name];
    const index = places?.indexOf(slot) ?? -1;
    if (places === undefined || index < 0) return;
    places.splice(index, 1);
    if (places.length === 0) delete sockets[name];
    this.#internals.totalSocketCount -= 1;
  }

  #failed(
    name: string,
    request: ClientRequest | undefined,
    options: ConnectionOptions,
    error: Error,
    created: Created,
  ): void {
    // Node leaves a queued request in its queue when its socket fails, and would dial for it again and again.
    const queue = this.#internals.requests[name];
    const index = request && queue ? queue.indexOf(request) : -1;
    if (index >= 0) queue?.splice(index, 1);
    // A destroyed request keeps its own reason; only one that was still wanted hears of ours.
    if (request?.destroyed) requestInternals(request).onSocket(null);
    else (created as (error: Error) => void)(error);
    this.#serveNext(name, options);
  }

  /** The place that came free goes to the next in the queue: a failed dial closes no socket that would say so. */
  #serveNext(name: string, options: ConnectionOptions): void {
    const next = this.#dequeue(name);
    if (next === undefined) return;
    this.#internals.createSocket(next, options, (error, socket) => {
      if (error !== null) return requestInternals(next).onSocket(null, error);
      // Node gives a free socket to the head of the queue.
      (this.#internals.requests[name] ??= []).unshift(next);
      this.#agent.emit('free', socket, options);
    });
  }

  /** Takes the first request off the queue that somebody still wants; two dials must not serve one request. */
  #dequeue(name: string): ClientRequest | undefined {
    const queue = this.#internals.requests[name];
    let next = queue?.shift();
    while (next?.destroyed) {
      requestInternals(next).onSocket(null);
      next = queue?.shift();
    }
    if (queue?.length === 0) delete this.#internals.requests[name];
    return next;
  }
}

/** Ends a dial, and writes down how far it had come: whoever ended it has a reason of its own that does not say. */
function abandon(abort: AbortController, subjects: readonly (object | undefined)[]): void {
  const abandonment = new Abandonment();
  abort.abort(abandonment);
  const { phase } = abandonment;
  if (phase === undefined) return;
  for (const subject of subjects) if (subject !== undefined) noteFailure(subject, { phase, sent: 'nothing' });
}

/** Hears of a request's end while it has no socket yet: Node itself would wait for the dial. */
function hookDestroy(request: ClientRequest, hear: (error?: Error) => void): () => void {
  const destroy = request.destroy;
  request.destroy = (error?: Error) => {
    destroy.call(request, error);
    hear(error);
    return request;
  };
  return () => {
    request.destroy = destroy;
  };
}

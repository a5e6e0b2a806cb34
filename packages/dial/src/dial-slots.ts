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
import { hearEarlyEnd } from './early-end.js';
import { forgetNote, noteFailure, type FailureNote } from './failure-notes.js';
import { termsOf } from './lease-agents.js';

/** Makes of a socket what the request needs, under the same deadline. */
export type Dress = (socket: Socket, timeoutMs: number | undefined) => Socket;

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
    dress: Dress,
    created: Created,
  ): void {
    const name = options._agentKey ?? '';
    const abort = new AbortController();
    const slot = { destroy: () => abort.abort() };
    // Node dials for the head of its queue and leaves it there, where another socket may find it first.
    const queued = request !== undefined && this.#internals.requests[name]?.includes(request) === true;
    const unhook = request && hearEarlyEnd(request, (error) => abandon(abort, [request, error]));
    this.#take(name, slot);
    const dialling = this.#dialOptions(request, options, abort.signal);
    open(this.#endpoint, dialling).then(
      (socket) => {
        unhook?.();
        this.#giveBack(name, slot);
        const receiver = queued ? this.#internals.requests[name]?.[0] : request;
        this.#dress(receiver, socket, () => dress(socket, dialling.timeoutMs), created);
      },
      (error: Error) => {
        unhook?.();
        this.#giveBack(name, slot);
        // Node leaves a queued request in its queue when its socket fails, and would dial for it again and again.
        if (!queued || this.#leave(name, request)) tellFailure(request, error, created);
        this.#serveNext(name, options);
      },
    );
  }

  /** A request that waits for a place: when it ends it leaves, and does not wait for one first. */
  watchQueued(request: ClientRequest): void {
    const name = Object.keys(this.#internals.requests).find((key) => this.#internals.requests[key]?.at(-1) === request);
    if (name === undefined) return;
    const leave = (error?: Error) => {
      if (!this.#leave(name, request)) return;
      for (const subject of [request, error]) if (subject !== undefined) noteFailure(subject, QUEUED);
      requestInternals(request).onSocket(null);
    };
    hearEarlyEnd(request, leave);
    if (request.destroyed) leave();
  }

  /** `receiver` is who gets the socket. TLS options come from the caller, and Node throws at what is wrong with them. */
  #dress(receiver: ClientRequest | undefined, socket: Socket, dress: () => Socket, created: Created): void {
    let dressed: Socket;
    try {
      dressed = dress();
    } catch (error) {
      socket.destroy();
      (created as (error: unknown) => void)(error);
      return;
    }
    if (receiver !== undefined && dressed !== socket) {
      // Until TLS stands nothing is sent, and a library that calls the request off gives no reason that would say so.
      noteFailure(receiver, { phase: 'target-tls', sent: 'nothing' });
      dressed.once('secureConnect', () => forgetNote(receiver));
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

  /** Takes a request off the queue; false where another socket has it already. */
  #leave(name: string, request: ClientRequest): boolean {
    const { requests } = this.#internals;
    const queue = requests[name];
    const index = queue?.indexOf(request) ?? -1;
    if (queue === undefined || index < 0) return false;
    queue.splice(index, 1);
    if (queue.length === 0) delete requests[name];
    return true;
  }

  /** The place that came free goes to the next in the queue: a failed dial closes no socket that would say so. */
  #serveNext(name: string, options: ConnectionOptions): void {
    const [next] = this.#internals.requests[name] ?? [];
    // Two dials must not serve one request.
    if (next === undefined || !this.#leave(name, next)) return;
    this.#internals.createSocket(next, options, (error, socket) => {
      if (error !== null) return requestInternals(next).onSocket(null, error);
      // Node gives a free socket to the head of the queue.
      (this.#internals.requests[name] ??= []).unshift(next);
      this.#agent.emit('free', socket, options);
    });
  }
}

const QUEUED: FailureNote = { phase: 'tunnel', sent: 'nothing' };

/** A destroyed request keeps its own reason; only one that was still wanted hears of ours. */
function tellFailure(request: ClientRequest | undefined, error: Error, created: Created): void {
  if (request?.destroyed) requestInternals(request).onSocket(null);
  else (created as (error: Error) => void)(error);
}

/** Ends a dial, and writes down how far it had come: whoever ended it has a reason of its own that does not say. */
function abandon(abort: AbortController, subjects: readonly (object | undefined)[]): void {
  const abandonment = new Abandonment();
  abort.abort(abandonment);
  const { phase } = abandonment;
  if (phase === undefined) return;
  for (const subject of subjects) if (subject !== undefined) noteFailure(subject, { phase, sent: 'nothing' });
}

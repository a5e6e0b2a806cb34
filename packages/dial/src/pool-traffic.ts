import type { Socket } from 'node:net';
import type { ByteFlow, EndpointId, Pool } from '@fairlead/core';
import type { Flow, FlowLabels, Tracker } from './traffic.js';

/** Tells a pool of the bytes that go through its endpoints, by which it keeps the budgets of endpoints, targets and sessions. */
export class PoolTraffic implements Tracker {
  readonly #pool: Pool;
  /** The caller's own counts. */
  readonly #other: Tracker | undefined;
  readonly #live = new Map<EndpointId, Set<PoolFlow>>();

  constructor(pool: Pool, other?: Tracker) {
    this.#pool = pool;
    this.#other = other;
  }

  track(socket: Socket, labels: FlowLabels): Flow {
    const flow = new PoolFlow(this.#pool, socket, labels, this.#other?.track(socket, labels));
    const live = this.#live.get(labels.endpoint) ?? new Set();
    this.#live.set(labels.endpoint, live.add(flow));
    socket.once('close', () => {
      flow.tell();
      live.delete(flow);
      if (live.size === 0 && this.#live.get(labels.endpoint) === live) this.#live.delete(labels.endpoint);
    });
    return flow;
  }

  /** An attempt through the endpoint has ended: sockets are read then, and moving bytes cost nothing. */
  tell(endpoint: EndpointId): void {
    for (const flow of this.#live.get(endpoint) ?? []) flow.tell();
  }
}

class PoolFlow implements Flow {
  readonly #pool: Pool;
  readonly #socket: Socket;
  readonly #other: Flow | undefined;
  #labels: FlowLabels;
  /** Where the bytes went, in the pool's words: it reads a URL that it has seen before without parsing it. */
  #where: ByteFlow;
  #told = 0;

  constructor(pool: Pool, socket: Socket, labels: FlowLabels, other: Flow | undefined) {
    this.#pool = pool;
    this.#socket = socket;
    this.#labels = labels;
    this.#where = whereOf(labels);
    this.#other = other;
  }

  handTo(session: string | undefined): void {
    this.#other?.handTo(session);
    if (session === this.#labels.session) return;
    this.tell();
    this.#labels = { ...this.#labels, session };
    this.#where = whereOf(this.#labels);
  }

  tell(): void {
    const all = this.#socket.bytesRead + this.#socket.bytesWritten;
    const fresh = all - this.#told;
    if (fresh === 0) return;
    this.#told = all;
    this.#pool.countBytes(this.#where, fresh);
  }
}

function whereOf({ endpoint, authority, session }: FlowLabels): ByteFlow {
  const target = `${authority.endsWith(':80') ? 'http' : 'https'}://${authority}`;
  return Object.freeze({ endpoint, target, session });
}

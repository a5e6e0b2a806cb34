import type { Socket } from 'node:net';
import type { EndpointId, Pool } from '@fairlead/core';
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
  #told = 0;

  constructor(pool: Pool, socket: Socket, labels: FlowLabels, other: Flow | undefined) {
    this.#pool = pool;
    this.#socket = socket;
    this.#labels = labels;
    this.#other = other;
  }

  handTo(session: string | undefined): void {
    this.#other?.handTo(session);
    if (session === this.#labels.session) return;
    this.tell();
    this.#labels = { ...this.#labels, session };
  }

  tell(): void {
    const { endpoint, authority, session } = this.#labels;
    const all = this.#socket.bytesRead + this.#socket.bytesWritten;
    const fresh = all - this.#told;
    if (fresh === 0) return;
    this.#told = all;
    // The pool names a target without the port that its scheme has anyway.
    this.#pool.countBytes({ endpoint, target: authority.replace(/:(?:80|443)$/, ''), session }, fresh);
  }
}

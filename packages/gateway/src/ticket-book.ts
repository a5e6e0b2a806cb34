import { FairleadError } from '@fairlead/core';
import { Ticket, type TicketHost, type TicketRequest } from './ticket.js';

/** Hands out credentials of a gateway to code of the same process. */
export interface Tickets {
  /** A credential for one browser context, crawler request or program. Nothing is taken from the pool until it is used. */
  mint(request?: TicketRequest): Ticket;
  /** How many are valid. */
  readonly size: number;
}

/** The tickets that are valid. Bounded: one that nobody uses gives way. */
export class TicketBook implements Tickets {
  readonly #byName = new Map<string, Ticket>();
  readonly #host: TicketHost;
  readonly #most: number;

  constructor(host: Omit<TicketHost, 'released'>, most: number) {
    this.#host = { ...host, released: (ticket) => this.#byName.delete(ticket.username) };
    this.#most = most;
  }

  get size(): number {
    return this.#byName.size;
  }

  mint(request: TicketRequest = {}): Ticket {
    if (this.#byName.size >= this.#most) this.#makeRoom();
    const ticket = new Ticket(this.#host, request);
    this.#byName.set(ticket.username, ticket);
    return ticket;
  }

  get(username: string): Ticket | undefined {
    const ticket = this.#byName.get(username);
    if (ticket === undefined) return undefined;
    // A Map keeps the order of insertion: the one unused for longest stands first.
    this.#byName.delete(username);
    this.#byName.set(username, ticket);
    return ticket;
  }

  releaseAll(): void {
    for (const ticket of this.#byName.values()) ticket.release();
  }

  #makeRoom(): void {
    for (const ticket of this.#byName.values()) {
      if (ticket.connections > 0) continue;
      ticket.release();
      return;
    }
    throw new FairleadError('QUEUE_FULL', `all ${this.#most} tickets of the gateway are in use`);
  }
}

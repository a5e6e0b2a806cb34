import { EventEmitter } from 'node:events';
import type { EndpointId } from '@fairlead/core';
import type { Ticket, TicketInfo, TicketRefusal } from '@fairlead/gateway';

/** What a context's hold on the pool tells. */
export interface ContextPoolEvents {
  /** The context goes on through another exit than before: its target sees another visitor. */
  'identity-changed': [{ readonly from: EndpointId; readonly to: EndpointId }];
  /** A connection got no exit; the browser shows ERR_TUNNEL_CONNECTION_FAILED, or a 503 on a page without TLS. */
  refused: [TicketRefusal];
}

/** A context's hold on the pool. */
export class ContextPool extends EventEmitter<ContextPoolEvents> {
  readonly #ticket: Ticket;

  /** @internal */
  constructor(ticket: Ticket) {
    super();
    this.#ticket = ticket;
    ticket.onMove((move) => this.emit('identity-changed', move));
    ticket.onRefused((refusal) => this.emit('refused', refusal));
  }

  /** The exit it leaves by; undefined before the first connection. */
  get exit(): TicketInfo | undefined {
    return this.#ticket.info ?? this.#ticket.last;
  }

  /** Goes on through another exit from now on. Open connections are closed; cookies stay, they are the context's. */
  rotate(): void {
    this.#ticket.rotate();
  }
}

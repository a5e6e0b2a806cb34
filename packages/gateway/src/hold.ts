import type { Outcome } from '@fairlead/core';
import type { Holding, Seat } from './holding.js';
import type { LineJudge } from './line.js';
import { opaque, type Ticket, type TunnelJudge } from './ticket.js';

/** What is held for one connection, and who hears of it. */
export interface Hold {
  readonly holding: Holding;
  /** Its holder does not visit the target: what becomes of it says nothing of the exit. */
  readonly aside: boolean;
  /** A connection stands. */
  judge(seat: Seat, target: URL): LineJudge;
  /** None came to stand. */
  giveBack(): void;
}

/** By a ticket, which outlasts its connections. */
export class TicketHold implements Hold {
  readonly holding: Holding;
  readonly aside: boolean;
  readonly #ticket: Ticket;

  constructor(ticket: Ticket, target: URL) {
    this.#ticket = ticket;
    this.holding = ticket.holdingFor(target);
    this.aside = !ticket.visits(target);
  }

  judge(seat: Seat, target: URL): LineJudge {
    return new TicketJudge(this, seat, target, this.#ticket.opened(seat.tenancy, target, this.aside));
  }

  giveBack(): void {}
}

/** By the name of an outside client; `end` gives back what was borrowed. */
export class BorrowedHold implements Hold {
  readonly holding: Holding;
  readonly aside = false;
  readonly #end: (holding: Holding) => void;

  constructor(holding: Holding, end: (holding: Holding) => void) {
    this.holding = holding;
    this.#end = end;
  }

  judge(seat: Seat, target: URL): LineJudge {
    return new SeatJudge(this, seat, target);
  }

  giveBack(): void {
    this.#end(this.holding);
  }
}

/** Tells the holding what becomes of a line. */
class SeatJudge implements LineJudge {
  protected readonly hold: Hold;
  readonly #seat: Seat;
  readonly #target: URL;

  constructor(hold: Hold, seat: Seat, target: URL) {
    this.hold = hold;
    this.#seat = seat;
    this.#target = target;
  }

  touch(): void {
    this.#seat.tenancy.touch();
  }

  carried(latencyMs: number): void {
    this.#observe(opaque(latencyMs));
  }

  failed(outcome: Outcome): void {
    if (!this.hold.aside) this.#observe(outcome);
  }

  over(): void {
    this.#seat.release();
    this.hold.giveBack();
  }

  #observe(outcome: Outcome): void {
    this.hold.holding.observe(this.#seat.tenancy, outcome, this.#target);
  }
}

/** The same where a ticket hears of it. */
class TicketJudge extends SeatJudge {
  readonly #tunnel: TunnelJudge;

  constructor(hold: Hold, seat: Seat, target: URL, tunnel: TunnelJudge) {
    super(hold, seat, target);
    this.#tunnel = tunnel;
  }

  override carried(latencyMs: number): void {
    this.#tunnel.carried(latencyMs);
  }

  override over(): void {
    super.over();
    this.#tunnel.closed();
  }
}

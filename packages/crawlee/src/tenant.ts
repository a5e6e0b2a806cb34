import type { Ticket, TicketRefusal } from '@fairlead/gateway';
import type { Page } from './page.js';

/** The gateway's ticket of one Crawlee session, or of one page without a session, and the pages under way on it. */
export class Tenant {
  readonly ticket: Ticket;
  /** The last time the gateway refused it a connection. */
  refusal: { readonly at: number; readonly refusal: TicketRefusal } | undefined;
  readonly #pages = new Set<Page>();
  #over = false;
  /** A browser has errands of its own between two pages. */
  #browses = false;

  constructor(mint: (visits: (url: URL) => boolean) => Ticket) {
    this.ticket = mint((url) => this.visits(url));
    this.ticket.onRefused((refusal) => (this.refusal = { at: performance.now(), refusal }));
  }

  get isBusy(): boolean {
    return this.#pages.size > 0;
  }

  /** Whether one of its pages under way visits the host. */
  visits(url: URL): boolean {
    if (this.#pages.size === 0) return !this.#browses;
    for (const page of this.#pages) if (page.visits(url)) return true;
    return false;
  }

  browses(): void {
    this.#browses = true;
  }

  enter(page: Page): void {
    this.#pages.add(page);
    this.ticket.hold();
  }

  /** The last page gives the exit back: a session that rests holds no place, and comes back to the same exit. */
  leave(page: Page): void {
    if (!this.#pages.delete(page) || this.isBusy) return;
    if (this.#over) this.ticket.release();
    else this.ticket.giveBack();
  }

  /** Its session has ended: what is under way may go on to its end, and nothing else. */
  end(): void {
    this.#over = true;
    if (!this.isBusy) this.ticket.release();
  }
}

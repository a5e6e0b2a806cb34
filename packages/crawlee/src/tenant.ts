import type { Ticket, TicketRefusal } from '@fairlead/gateway';
import type { Page } from './page.js';

interface TimedRefusal {
  readonly at: number;
  readonly refusal: TicketRefusal;
}

/** Hosts whose last refusal is remembered. */
const MOST_REFUSALS = 20;

/** The gateway's ticket of one Crawlee session, or of one page without a session, and the pages under way on it. */
export class Tenant {
  readonly ticket: Ticket;
  /** The last time the gateway refused it a connection, by host. */
  readonly #refusals = new Map<string, TimedRefusal>();
  readonly #pages = new Set<Page>();
  #over = false;
  /** A browser has errands of its own between two pages. */
  #browses = false;

  constructor(mint: (visits: (url: URL) => boolean) => Ticket) {
    this.ticket = mint((url) => this.visits(url));
    this.ticket.onRefused((refusal) => this.#refused(refusal));
  }

  /** Why one of these hosts was refused a page since then; where others are asked after too, any that no other page is on its way to. */
  refusalOf(page: Page, since: number): TicketRefusal | undefined {
    let last: TimedRefusal | undefined;
    for (const [host, timed] of this.#refusals) {
      if (timed.at < since || (last !== undefined && last.at > timed.at)) continue;
      if (page.isBoundFor(host) || (page.visitsAll && !this.#isOthers(page, host))) last = timed;
    }
    return last?.refusal;
  }

  #refused(refusal: TicketRefusal): void {
    const { host = '' } = refusal;
    this.#refusals.delete(host);
    this.#refusals.set(host, { at: performance.now(), refusal });
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > MOST_REFUSALS && oldest !== undefined) this.#refusals.delete(oldest);
  }

  #isOthers(page: Page, host: string): boolean {
    for (const other of this.#pages) if (other !== page && other.isBoundFor(host)) return true;
    return false;
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

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
  /** Pages whose handlers may still be at work; a page itself is at its end when it was read. */
  readonly #handled = new Set<Page>();
  #over: (() => void) | undefined;
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

  /** A handler will be at work on the page, and somebody says when it is done. */
  handles(page: Page): void {
    this.#handled.add(page);
  }

  /**
   * The last page gives the exit back: a session that rests holds no place, and comes back to the same exit. What a handler has
   * asked for meanwhile goes on to its end.
   */
  leave(page: Page): void {
    if (!this.#pages.delete(page) || this.isBusy) return;
    if (this.#handled.size > 0) this.ticket.giveBack({ closing: false });
    else this.#rest();
  }

  /** Its handler is done. */
  done(page: Page): void {
    this.#pages.delete(page);
    if (this.#handled.delete(page) && this.#handled.size === 0 && !this.isBusy) this.#rest();
  }

  /** Its session has ended: what is under way may go on to its end, and nothing else. */
  end(onOver: () => void): void {
    this.#over = onOver;
    if (!this.isBusy && this.#handled.size === 0) this.#rest();
  }

  #rest(): void {
    if (this.#over === undefined) return this.ticket.giveBack();
    this.ticket.release();
    this.#over();
  }
}

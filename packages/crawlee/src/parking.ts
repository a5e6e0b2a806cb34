import { log, type Request } from '@crawlee/core';
import type { Pool } from '@fairlead/core';
import type { TicketRefusal } from '@fairlead/gateway';
import { untilFree } from './exhaustion.js';

/** Where a crawler takes its pages from and gives them back to. */
interface Source {
  reclaimRequest(request: Request): Promise<unknown>;
}

/** Crawlee's own way of putting a page aside before it has begun, for the sake of `sameDomainDelaySecs`. */
interface Delaying {
  delayRequest?(request: Request | null, source: Source): boolean;
}

/** How often is said that pages wait. */
const TELL_EVERY_MS = 60_000;

/** Pages that no proxy could carry. They wait outside of their crawler's slots, and other pages go on. */
export class Parking {
  readonly #pool: Pool;
  /** What each page waits for, from the moment on that it failed. */
  readonly #waits = new Map<string, Promise<void>>();
  readonly #served = new WeakSet<object>();
  #toldAt = -Infinity;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** From now on this crawler asks here before it begins with a page. */
  serve(crawler: object): void {
    const delaying = crawler as Delaying;
    const own = delaying.delayRequest;
    if (this.#served.has(crawler) || own === undefined) return;
    this.#served.add(crawler);
    delaying.delayRequest = (request, source) =>
      (request !== null && this.#park(request, source)) || own.call(crawler, request, source);
  }

  /** The page waits before its next attempt. */
  putAside({ uniqueKey, url }: Request, refusal: TicketRefusal | undefined): void {
    const { code = 'BUSY', message = 'all proxies are taken' } = refusal ?? {};
    this.#waits.set(uniqueKey, untilFree(this.#pool, code, url));
    if (performance.now() - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = performance.now();
    log.warning(`Fairlead: ${url} waits for a proxy, and costs no retry meanwhile (${code}: ${message})`);
  }

  /** For a crawler that cannot put pages aside. */
  async wait({ uniqueKey }: Request): Promise<void> {
    const waiting = this.#waits.get(uniqueKey);
    this.#waits.delete(uniqueKey);
    await waiting;
  }

  /** The crawl is over. */
  clear(): void {
    this.#waits.clear();
  }

  #park(request: Request, source: Source): boolean {
    if (!this.#waits.has(request.uniqueKey)) return false;
    // The queue is the crawler's: if it is gone, so is the page.
    void this.wait(request)
      .then(() => source.reclaimRequest(request))
      .catch((error: unknown) => log.warning(`Fairlead: a page that waited could not go back: ${String(error)}`));
    return true;
  }
}

import { CriticalError, NonRetryableError, type ProxyInfo, type Request } from '@crawlee/core';
import type { Pool } from '@fairlead/core';
import { Entrance } from './entrance.js';
import type { ResolvedOptions } from './options.js';
import { PageMemories } from './page-memory.js';
import { Parking } from './parking.js';
import { termsOf, type PageTerms } from './page-terms.js';
import { Page } from './page.js';
import type { Lack } from './price.js';
import { Tenant } from './tenant.js';
import { excludedFor } from './tiers.js';

/** Sessions with a ticket at once: as many as the largest session pool is likely to have, and more. */
const MOST_TENANTS = 5000;

/** The part of a page's time in which its connection must stand. */
const CONNECTING_SHARE = 0.9;

/** What only keeps an endpoint from a page until its turn comes. */
const TURNS: ReadonlySet<string> = new Set(['ok', 'busy', 'paced']);

/** Gives each page its way into the pool: one gateway for all, one ticket for each session. */
export class PageDesk {
  readonly pool: Pool;
  readonly options: ResolvedOptions;
  readonly memories = new PageMemories();
  /** Whether anybody tells what pages come to. Without the hooks of `crawleePool` a tunnel is all there is to judge by. */
  hears = false;
  /** How long a crawler waits for an answer, once that is known. */
  navigationMs: number | undefined;
  readonly parking: Parking;
  readonly #entrance: Entrance;
  readonly #tenants = new Map<string, Tenant>();
  readonly #pages = new WeakMap<ProxyInfo, Page>();
  #off: (() => void) | undefined;
  #closed = false;

  constructor(pool: Pool, options: ResolvedOptions) {
    this.pool = pool;
    this.options = options;
    this.parking = new Parking(pool);
    this.#entrance = new Entrance(pool, options.gateway);
  }

  /** The attempt that a `proxyInfo` was made for. */
  pageOf(info: ProxyInfo | undefined): Page | undefined {
    return info === undefined ? undefined : this.#pages.get(info);
  }

  /** A page's next attempt. `sessionId` keeps its exit from page to page; without one each page may have another. */
  async open(sessionId: string | undefined, request: Request | undefined): Promise<Page> {
    const terms = checkedTerms(request);
    if (request !== undefined) await this.parking.wait(request);
    // Without an error here there would be no proxy, and Crawlee would go to the target by itself.
    if (this.#closed) throw new CriticalError('the pool of this crawler is closed');
    this.#off ??= this.pool.on('closed', () => void this.close());
    const url = await this.#entrance.url();
    const tenant = this.#tenantOf(sessionId, request, terms);
    const page = new Page(tenant, url, { request, sessionId, idempotent: terms.idempotent === true });
    this.#pages.set(page.proxyInfo, page);
    // Whose end nobody tells of holds its exit only while it is connected: a browser at its launch, a page without navigation.
    if (!this.hears || request === undefined || request.skipNavigation) page.end();
    return page;
  }

  /** What the pool lacks for a page, looked at more closely: it says of a request what it would say of the next. */
  lackFor(request: Request | undefined, lack: Lack): Lack {
    const tags = [...this.options.tags, ...(termsOf(request).tags ?? [])];
    if (request === undefined || this.#closed || lack === 'closed' || lack === 'unfit') return lack;
    if (lack === 'exhausted' && tags.length === 0) return lack;
    const { endpoints } = this.pool.explain({ target: request.url, tags });
    if (endpoints.length > 0 && endpoints.every(({ why }) => why === 'unfit')) return 'unfit';
    return endpoints.some(({ why }) => TURNS.has(why)) ? lack : 'exhausted';
  }

  /** The session is over: its ticket is void and its exit free. */
  endSession(sessionId: string): void {
    for (const [key, tenant] of this.#tenants) {
      if (!key.startsWith(`${sessionId}\u0000`)) continue;
      this.#tenants.delete(key);
      // What a handler asks for until it is done binds it anew.
      tenant.end(() => this.pool.sessions.unbind(sessionId));
    }
    this.pool.sessions.unbind(sessionId);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.rest();
  }

  /** No crawl is under way: nothing of one is left but the exits of its sessions, which may go on in another. */
  async rest(): Promise<void> {
    this.#off?.();
    this.#off = undefined;
    for (const { ticket } of this.#tenants.values()) ticket.release();
    this.#tenants.clear();
    this.memories.clear();
    this.parking.clear();
    await this.#entrance.close();
  }

  #tenantOf(sessionId: string | undefined, request: Request | undefined, terms: PageTerms): Tenant {
    if (sessionId === undefined) return this.#newTenant(undefined, request, terms);
    const key = [sessionId, terms.endpoint ?? '', ...(terms.tags ?? [])].join('\u0000');
    const known = this.#tenants.get(key);
    this.#tenants.delete(key);
    const tenant = known === undefined || known.ticket.released ? this.#newTenant(sessionId, request, terms) : known;
    this.#tenants.set(key, tenant);
    this.#dropOldest();
    return tenant;
  }

  #newTenant(session: string | undefined, request: Request | undefined, { tags = [], endpoint }: PageTerms): Tenant {
    const bound = session !== undefined && this.pool.sessions.lookup(session) !== undefined;
    const exclude = bound ? [] : excludedFor(this.pool, this.memories.get(request));
    return new Tenant((visits) =>
      this.#entrance.mint({
        tags: [...this.options.tags, ...tags],
        exclude,
        reports: this.hears,
        // A connection that is not there by then comes too late: what is said in time can be mended.
        connectTimeoutMs: () => this.navigationMs && this.navigationMs * CONNECTING_SHARE,
        ...(this.hears ? { visits } : {}),
        // Cookies of a session belong to one exit: a session that loses it is at its end.
        strict: session !== undefined,
        ...(session === undefined ? {} : { session }),
        ...(endpoint === undefined ? {} : { endpoint }),
      }),
    );
  }

  #dropOldest(): void {
    if (this.#tenants.size <= MOST_TENANTS) return;
    for (const [key, { isBusy, ticket }] of this.#tenants) {
      if (isBusy) continue;
      this.#tenants.delete(key);
      ticket.release();
      return;
    }
  }
}

/** A mistake in a page's terms is no reason to try it again. */
function checkedTerms(request: Request | undefined): PageTerms {
  try {
    return termsOf(request);
  } catch (error) {
    throw Object.assign(new NonRetryableError((error as Error).message), { cause: error });
  }
}

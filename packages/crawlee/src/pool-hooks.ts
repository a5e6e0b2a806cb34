import { CriticalError } from '@crawlee/core';
import { refuseSharedBrowser, warnOfLeaks, whenClosed, whenNavigating } from './browser-check.js';
import { Crawls } from './crawls.js';
import { whenRead, type PageContext } from './page-context.js';
import type { PageDesk } from './page-desk.js';
import { PageJudge } from './page-judge.js';
import type { Page } from './page.js';
import { isReserve, reserveRetry, restoreRetries } from './retries.js';
import { SessionLink } from './session-link.js';
import { putFirst, refuseOverwritten, type Wiring } from './wiring.js';

/** What follows for a page that failed: another attempt at no cost, one that Crawlee counts, or none. */
export type Course = 'free' | 'paid' | 'over';

/** What the pool does at each step of a page, before anything of the user's. */
export class PoolHooks {
  readonly #desk: PageDesk;
  readonly #judge: PageJudge;
  readonly #crawls: Crawls;
  readonly #wiring: Wiring & { readonly postNavigationHooks: readonly unknown[] };

  constructor(desk: PageDesk, wiring: Wiring & { readonly postNavigationHooks: readonly unknown[] }) {
    this.#desk = desk;
    const link = new SessionLink(desk);
    this.#judge = new PageJudge(desk, link);
    this.#wiring = wiring;
    this.#crawls = new Crawls({
      onLast: () => {
        link.rest();
        return desk.rest();
      },
      onHandled: (context) => this.#pageOf(context)?.done(),
    });
  }

  /** Before the page is fetched. */
  begin(context: PageContext): void {
    const { crawler, request } = context;
    refuseOverwritten(crawler, this.#wiring);
    putFirst(crawler, this.#wiring.postNavigationHooks[0]);
    const handled = this.#crawls.join(crawler);
    refuseSharedBrowser(context);
    warnOfLeaks(context);
    const page = this.#pageOf(context);
    if (page === undefined) return;
    reserveRetry(request, crawler);
    this.#desk.navigationMs = navigationMsOf(crawler);
    whenClosed(context, () => page.end());
    if (!whenNavigating(context, (url) => page.navigate(url))) page.visitAll();
    page.start(handled);
  }

  /** An answer is here. */
  answered(context: PageContext): void {
    refuseOverwritten(context.crawler, this.#wiring);
    const page = this.#pageOf(context);
    if (page === undefined) return;
    const isDone = this.#judge.answered(page, context);
    whenRead(context.response, (broke) => {
      if (isDone && !broke) this.#desk.memories.forget(context.request);
      // A browser goes on fetching what belongs to the page; there its end is when the page is closed.
      if (!('page' in context)) page.read(broke);
    });
  }

  /** The attempt failed, and Crawlee would retry it. */
  failed(context: PageContext, error: Error): Course {
    const { crawler, request } = context;
    refuseOverwritten(crawler, this.#wiring);
    this.#desk.parking.serve(crawler);
    const page = this.#pageOf(context);
    const price = page && this.#judge.failed(page, context, error);
    page?.end();
    if (price === 'the-crawl') throw new CriticalError(messageOf(page));
    const isFree = price === 'nothing' || price === 'later';
    const isLast = !isFree && isReserve(request, error, page?.refusal !== undefined && !page.reported);
    restoreRetries(request);
    if (isFree) return 'free';
    if (price !== 'the-page' && !isLast) return 'paid';
    request.noRetry = true;
    return 'over';
  }

  /** The page is given up. */
  lost(context: PageContext): void {
    restoreRetries(context.request);
    this.#pageOf(context)?.end();
    this.#desk.memories.forget(context.request);
  }

  #pageOf({ proxyInfo }: PageContext): Page | undefined {
    return this.#desk.pageOf(proxyInfo);
  }
}

function messageOf(page: Page | undefined): string {
  const { code = 'POOL_EXHAUSTED', message = 'no proxy is free' } = page?.refusal ?? {};
  return `${code}: ${message}`;
}

/** Crawlee shows its own timeout to nobody, and clients and browsers have theirs in other places. */
function navigationMsOf(crawler: object): number | undefined {
  const { navigationTimeoutMillis: ms } = crawler as { readonly navigationTimeoutMillis?: unknown };
  return typeof ms === 'number' && ms > 0 ? ms : undefined;
}

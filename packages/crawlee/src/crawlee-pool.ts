import { CriticalError } from '@crawlee/core';
import { ownOptions, type Pool } from '@fairlead/core';
import { refuseSharedBrowser, whenClosed, whenNavigating } from './browser-check.js';
import type { CrawleePoolOptions } from './options.js';
import {
  whenRead,
  type CrawlerErrorHandler,
  type CrawlerHook,
  type PageContext,
  type PageHook,
} from './page-context.js';
import { PageJudge } from './page-judge.js';
import type { Page } from './page.js';
import { PoolProxyConfiguration } from './pool-proxy-configuration.js';
import { isReserve, refund, reserveRetry } from './retries.js';
import { SessionLink } from './session-link.js';
import { putFirst, refuseOverwritten } from './wiring.js';

/** What to spread into the options of a crawler. */
export interface CrawleePool<Context> {
  readonly proxyConfiguration: PoolProxyConfiguration;
  preNavigationHooks: CrawlerHook<Context>[];
  postNavigationHooks: CrawlerHook<Context>[];
  errorHandler: CrawlerErrorHandler<Context>;
  failedRequestHandler: CrawlerErrorHandler<Context>;
}

/** A crawler's way into the pool: `new CheerioCrawler({ ...crawleePool(pool), requestHandler })`. */
export function crawleePool(pool: Pool, options?: CrawleePoolOptions<PageContext>): CrawleePool<PageContext>;
/** The same with hooks that see more of their crawler's context. */
export function crawleePool<Context extends PageContext>(
  pool: Pool,
  options: CrawleePoolOptions<Context>,
): CrawleePool<Context>;
export function crawleePool<Context extends PageContext = PageContext>(
  pool: Pool,
  options: CrawleePoolOptions<Context> = {},
): CrawleePool<Context> {
  const given = ownOptions(options, 'options');
  const { preNavigationHooks = [], postNavigationHooks = [], errorHandler, failedRequestHandler, ...own } = given;
  const proxyConfiguration = new PoolProxyConfiguration(pool, own);
  const { desk } = proxyConfiguration;
  desk.hears = true;
  const judge = new PageJudge(desk, new SessionLink(desk));
  const pageOf = ({ proxyInfo }: PageContext): Page | undefined => desk.pageOf(proxyInfo);

  const settings: CrawleePool<Context> = {
    proxyConfiguration,
    preNavigationHooks: [
      async (context) => {
        refuseOverwritten(context.crawler, settings);
        putFirst(context.crawler, settings.postNavigationHooks[0]);
        refuseSharedBrowser(context);
        const page = pageOf(context);
        if (page === undefined) return;
        reserveRetry(context.request, context.crawler);
        desk.navigationMs = navigationMsOf(context.crawler);
        whenClosed(context, () => page.end());
        if (!whenNavigating(context, (url) => page.navigate(url))) page.visitAll();
        page.start();
      },
      ...preNavigationHooks.map(hookOf),
    ],
    postNavigationHooks: [
      async (context) => {
        refuseOverwritten(context.crawler, settings);
        const page = pageOf(context);
        if (page === undefined) return;
        const isDone = judge.answered(page, context);
        const read = (broke: boolean): void => {
          if (isDone && !broke) desk.memories.forget(context.request);
          // A browser goes on fetching what belongs to the page; there its end is when the page is closed.
          if (!('page' in context)) page.read(broke);
        };
        whenRead(context.response, read);
      },
      ...postNavigationHooks.map(hookOf),
    ],
    errorHandler: async (context, error) => {
      refuseOverwritten(context.crawler, settings);
      desk.parking.serve(context.crawler);
      const page = pageOf(context);
      const price = page && judge.failed(page, context, error);
      page?.end();
      if (price === 'the-crawl') throw new CriticalError(messageOf(page));
      const isFree = price === 'nothing' || price === 'later';
      const isLast = !isFree && isReserve(context.request, error, page?.refusal !== undefined && !page.reported);
      if (price === 'the-page' || isLast) return void (context.request.noRetry = true);
      await errorHandler?.(context, error);
      if (isFree) refund(context.request, error);
    },
    failedRequestHandler: async (context, error) => {
      pageOf(context)?.end();
      desk.memories.forget(context.request);
      await failedRequestHandler?.(context, error);
    },
  };
  return settings;
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

function hookOf<Context>(hook: PageHook<Context>): CrawlerHook<Context> {
  return async (context, options) => void (await hook(context, options as never));
}

import { ownOptions, type Pool } from '@fairlead/core';
import type { CrawleePoolOptions } from './options.js';
import type { CrawlerErrorHandler, CrawlerHook, PageContext, PageHook } from './page-context.js';
import { PoolHooks } from './pool-hooks.js';
import { PoolProxyConfiguration } from './pool-proxy-configuration.js';
import { refund } from './retries.js';

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
  const settings: CrawleePool<Context> = {
    proxyConfiguration,
    preNavigationHooks: [async (context) => hooks.begin(context), ...preNavigationHooks.map(hookOf)],
    postNavigationHooks: [async (context) => hooks.answered(context), ...postNavigationHooks.map(hookOf)],
    errorHandler: async (context, error) => {
      const course = hooks.failed(context, error);
      if (course === 'over') return;
      await errorHandler?.(context, error);
      if (course === 'free') refund(context.request, error);
    },
    failedRequestHandler: async (context, error) => {
      hooks.lost(context);
      await failedRequestHandler?.(context, error);
    },
  };
  const hooks = new PoolHooks(desk, settings);
  return settings;
}

function hookOf<Context>(hook: PageHook<Context>): CrawlerHook<Context> {
  return async (context, options) => void (await hook(context, options as never));
}

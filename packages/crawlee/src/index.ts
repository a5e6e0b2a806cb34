export { crawleePool, type CrawleePool } from './crawlee-pool.js';
export { CRAWLEE_DEFAULTS, type CrawleePoolOptions, type OnExhausted, type PoolProxyOptions } from './options.js';
export type { CrawlerErrorHandler, CrawlerHook, ErrorHandler, PageContext, PageHook } from './page-context.js';
export type { PageTerms } from './page-terms.js';
export type { PoolProxyInfo } from './page.js';
export { PoolProxyConfiguration, type NewUrlOptions } from './pool-proxy-configuration.js';
export { tieredProxies } from './tiers.js';

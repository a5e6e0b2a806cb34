export { ContextPool, type ContextPoolEvents } from './context-pool.js';
export { FROM_EXIT, type ContextTerms, type PoolTerms, type ProviderOptions } from './options.js';
export { launchPoolBrowser, type PoolBrowser, type PoolBrowserOptions } from './pool-browser.js';
export { newPoolContext, type PoolContext, type PoolContextOptions } from './pool-context.js';
export { PoolProxyProvider, proxyFor, type ContextProxy, type PoolProxy } from './pool-proxy-provider.js';

export type { PoolInfo, PoolRequest } from '@fairlead/core';
export { createFetch, type PoolFetch } from './create-fetch.js';
export { POOL_DISPATCHER_DEFAULTS, pooled, type Pooled, type PoolDispatcherOptions } from './options.js';
export { poolDispatcher } from './pool-dispatcher.js';
export { poolInfo } from './pool-info.js';
export { poolInterceptor } from './pool-interceptor.js';

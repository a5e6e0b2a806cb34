export { poolInfo, type PoolInfo } from '@fairlead/core';
export { gotHooks, gotPool } from './got-pool.js';
export { GOT_POOL_DEFAULTS, type GotPoolOptions, type PoolContext, type PoolRequest } from './options.js';

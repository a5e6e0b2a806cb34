export { poolInfo, type PoolInfo, type PoolRequest } from '@fairlead/core';
export type { AgentClientOptions } from '@fairlead/dial';
export { gotHooks, gotPool } from './got-pool.js';
export type { PoolContext } from './options.js';

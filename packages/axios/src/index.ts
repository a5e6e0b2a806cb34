export { poolInfo, type PoolInfo, type PoolRequest } from '@fairlead/core';
export type { AgentClientOptions } from '@fairlead/dial';
export { attachPool, withPool, type Attachment } from './attach-pool.js';

export { poolInfo, type PoolInfo } from '@fairlead/core';
export { attachPool, withPool, type Attachment } from './attach-pool.js';
export { ATTACH_DEFAULTS, type AttachOptions } from './options.js';
export type { PoolRequest } from './pool-request.js';

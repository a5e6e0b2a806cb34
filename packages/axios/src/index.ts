export type { PoolRequest } from './pool-request.js';
export { withPool } from './with-pool.js';

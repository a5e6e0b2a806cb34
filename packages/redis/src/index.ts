export { redisStore, REDIS_STORE_DEFAULTS, type RedisStoreOptions } from './redis-store.js';
export type { WhenDown } from './alone.js';
export type { RedisClient } from './port/connect.js';
export type { RedisPort } from './port/redis-port.js';

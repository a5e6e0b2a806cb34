/** For authors of other clients, and for tests: what the store asks of Redis, the scripts it runs there, and its times. */
export type { RedisPort } from './redis-port.js';
export { SCRIPTS, type Verb } from '../scripts/index.js';
export { tunedRedisStore, type Tuning } from '../redis-store.js';

/** For authors of other clients, and for tests: what the store asks of Redis, and the scripts it runs there. */
export type { RedisPort } from './redis-port.js';
export { SCRIPTS, type Verb } from '../scripts/index.js';

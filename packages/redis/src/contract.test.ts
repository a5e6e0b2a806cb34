import { redisAvailability, startRedis, type RedisServer } from '@fairlead/lab';
import { storeContract } from '@fairlead/testkit';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe } from 'vitest';
import type { RedisClient } from './port/connect.js';
import { tunedRedisStore } from './redis-store.js';

const { available } = redisAvailability();
const ends: (() => void)[] = [];
let server: RedisServer;

beforeAll(async () => {
  if (available) server = await startRedis();
});
afterAll(async () => {
  for (const end of ends) end();
  await server?.stop();
});

describe.skipIf(!available)('the store in Redis', () => {
  const shared = { poolKey: 'a secret that all workers share' };
  const times = { graceMs: 50, pullMs: 50 };
  storeContract({
    name: 'with a client of ioredis',
    keeps: true,
    shares: true,
    open: (pool) => {
      const client = new Redis(server.url);
      ends.push(() => client.disconnect());
      return tunedRedisStore({ client: client as unknown as RedisClient, pool, ...shared }, times);
    },
  });
  storeContract({
    name: 'with a client of redis',
    keeps: true,
    shares: true,
    open: (pool) => {
      const client = createClient({ url: server.url });
      ends.push(() => client.destroy());
      return tunedRedisStore({ client: client as unknown as RedisClient, pool, ...shared }, times);
    },
  });
});

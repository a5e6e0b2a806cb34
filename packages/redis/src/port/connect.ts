import { ConfigurationError } from '@fairlead/core';
import { ioredisPort, type IoredisClient } from './ioredis-port.js';
import { nodeRedisPort, type NodeRedisClient } from './node-redis-port.js';
import type { RedisPort } from './redis-port.js';

/** A client of `ioredis` 6 or of `redis` 6, or anything else behind a port. */
export type RedisClient = IoredisClient | NodeRedisClient | RedisPort;

export function portOf(client: RedisClient): RedisPort {
  if ('evalsha' in client) return ioredisPort(client, false);
  if ('scriptLoad' in client) return nodeRedisPort(client, false);
  if ('load' in client && 'onChange' in client) return client;
  throw new ConfigurationError(
    'INVALID_OPTION',
    'redisStore.client',
    'is neither a client of ioredis nor one of redis',
  );
}

/** Tries again after this long at most: a store that is back must not wait for its workers. */
const LONGEST_RETRY_MS = 250;
const retryDelay = (attempt: number): number => Math.min(LONGEST_RETRY_MS, 25 * (attempt + 1));

/** A connection of our own, through whichever client library is installed: `ioredis` first, which is the quicker one. */
export async function connect(url: string): Promise<RedisPort> {
  const ioredis = await installed<{ Redis: new (url: string, options: object) => IoredisClient }>('ioredis');
  if (ioredis !== undefined) {
    // A command whose connection broke is not sent again by the client: its outcome is for the store to find out.
    const options = {
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 1_000,
      retryStrategy: retryDelay,
    };
    return ioredisPort(new ioredis.Redis(url, options), true);
  }
  const redis = await installed<{ createClient: (options: object) => NodeRedisClient }>('redis');
  if (redis !== undefined) {
    const socket = { connectTimeout: 1_000, reconnectStrategy: retryDelay };
    return nodeRedisPort(redis.createClient({ url, socket, disableOfflineQueue: true }), true);
  }
  throw new ConfigurationError('INVALID_OPTION', 'redisStore.url', "needs the package 'ioredis' or 'redis'");
}

async function installed<T>(name: string): Promise<T | undefined> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

import { hash, randomBytes } from 'node:crypto';
import { ConfigurationError, ETS_DEFAULTS, memoryStore, type SharedStore } from '@fairlead/core';
import { Peers, type WhenDown } from './alone.js';
import { checkUrl } from './checks.js';
import { Keys } from './keys.js';
import { connect, portOf, type RedisClient } from './port/connect.js';
import type { RedisPort } from './port/redis-port.js';
import { RedisLedger } from './redis-ledger.js';
import { RedisLink } from './redis-link.js';
import { RedisRecords } from './redis-records.js';
import { ShardedLedger } from './sharded-ledger.js';
import { latePort } from './port/late-port.js';

export interface RedisStoreOptions {
  /** A client of `ioredis` 6 or `redis` 6 of yours, which stays yours to close. Its autopipelining has to be off. */
  readonly client?: RedisClient;
  /** Or the server's address, for a connection of the store's own: `rediss://` and a password off this machine. */
  readonly url?: string;
  /** Names the pool at the server: workers that give the same name share it. @default 'default' */
  readonly pool?: string;
  /** The secret that names are hashed with, the same for all workers. @default the variable FAIRLEAD_POOL_KEY */
  readonly poolKey?: string;
  /** Names this worker to the others: sixteen hexadecimal digits. @default random ones */
  readonly worker?: string;
  /** What is granted while the server is out of reach. @default 'partition' */
  readonly whenDown?: WhenDown;
  /** A worker's places return so long after it was last heard of; at most 60,000. @default 10_000 */
  readonly leaseTtlMs?: number;
  /** A command that takes longer counts as lost. @default 250 */
  readonly commandTimeoutMs?: number;
  /** How long nobody is admitted after the server has lost its data. @default 2_000 */
  readonly graceMs?: number;
  /** How often the workers hear of each other. @default 1_000 */
  readonly pullMs?: number;
  /** How long the first connection may take. @default 10_000 */
  readonly startMs?: number;
  /** Slots the endpoints are spread over, the same number for all workers. @default 1 */
  readonly shards?: number;
}

/** The defaults of `RedisStoreOptions`, in one place. */
export const REDIS_STORE_DEFAULTS = Object.freeze({
  pool: 'default',
  whenDown: 'partition' as const,
  leaseTtlMs: 10_000,
  commandTimeoutMs: 250,
  graceMs: 2_000,
  pullMs: 1_000,
  startMs: 10_000,
  shards: 1,
});

const KEYS: readonly string[] = [...Object.keys(REDIS_STORE_DEFAULTS), 'client', 'url', 'poolKey', 'worker'];
/** A worker that was not heard of for so many lives of a lease is gone for good. */
const SILENT_LIVES = 3;
/** By then every worker has heard of every other one. */
const SETTLED_PULLS = 3;
/** How long the server has to be out of reach before places are granted without it. */
const ALONE_AFTER = { closed: () => Number.POSITIVE_INFINITY, partition: (ttlMs: number) => ttlMs, open: () => 0 };

/** Limits, suspensions, sessions and health that all workers with this store share. One pool a store. */
export function redisStore(input: RedisStoreOptions): SharedStore {
  const options = checked(input);
  const { leaseTtlMs, whenDown } = options;
  const port = options.client === undefined ? ownPort(options.url!) : portOf(options.client);
  const worker = options.worker ?? randomBytes(8).toString('hex');
  const secret = secretOf(options.poolKey);
  const silenceMs = SILENT_LIVES * leaseTtlMs;
  const links = Array.from({ length: options.shards }, (_, shard) => {
    const keys = new Keys(options.pool, shard, secret);
    return new RedisLink(port, keys, {
      worker,
      silenceMs,
      timeoutMs: options.commandTimeoutMs,
      graceMs: options.graceMs,
      aloneAfterMs: ALONE_AFTER[whenDown](leaseTtlMs),
    });
  });
  const peers = new Peers(worker, Math.max(leaseTtlMs, SETTLED_PULLS * options.pullMs));
  const ledgers = links.map((link) => new RedisLedger(link, peers, { leaseTtlMs, whenDown }));
  const { pullMs, startMs } = options;
  const times = { pullMs, startMs, silenceMs, tauMs: ETS_DEFAULTS.tauMs };
  const records = new RedisRecords(port, links, peers, { worker, key: secret, ...times });
  return { name: 'redis', ledger: memoryStore().ledger, records, shared: new ShardedLedger(ledgers) };
}

function ownPort(url: string): RedisPort {
  checkUrl(url);
  return latePort(connect(url));
}

type Given = 'client' | 'url' | 'poolKey' | 'worker';
type Checked = Required<Omit<RedisStoreOptions, Given>> & Pick<RedisStoreOptions, Given>;

function checked(input: RedisStoreOptions): Checked {
  const options: Checked = { ...REDIS_STORE_DEFAULTS, ...withoutGaps(input) };
  for (const key of Object.keys(options)) {
    if (!KEYS.includes(key)) throw invalid('UNKNOWN_OPTION', key, `is not an option; known are ${KEYS.join(', ')}`);
  }
  if ((options.client === undefined) === (options.url === undefined)) {
    throw invalid('INVALID_OPTION', 'client', "or 'url' is needed, and not both");
  }
  if (!/^[\w.-]{1,64}$/.test(options.pool))
    throw invalid('INVALID_OPTION', 'pool', 'must be a word of at most 64 letters');
  if (!['partition', 'closed', 'open'].includes(options.whenDown)) {
    throw invalid('INVALID_OPTION', 'whenDown', "must be 'partition', 'closed' or 'open'");
  }
  if (options.worker !== undefined && !/^[0-9a-f]{16}$/.test(options.worker)) {
    throw invalid('INVALID_OPTION', 'worker', 'must be sixteen hexadecimal digits');
  }
  within(options, 'leaseTtlMs', 200, 60_000);
  within(options, 'commandTimeoutMs', 10, 10_000);
  within(options, 'graceMs', 0, 60_000);
  within(options, 'pullMs', 10, 60_000);
  within(options, 'startMs', 0, 600_000);
  within(options, 'shards', 1, 256);
  return options;
}

function within(
  options: Checked,
  key: 'leaseTtlMs' | 'commandTimeoutMs' | 'graceMs' | 'pullMs' | 'startMs' | 'shards',
  least: number,
  most: number,
): void {
  const value: unknown = options[key];
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw invalid('INVALID_OPTION', key, `must be a whole number from ${least} to ${most}`);
}

function withoutGaps(input: RedisStoreOptions): Partial<RedisStoreOptions> {
  if (typeof input !== 'object' || input === null) throw invalid('INVALID_OPTION', 'options', 'must be an object');
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

/** Too short a secret could be found by trying, and with it every session and host that stands in a key. */
function secretOf(poolKey: string | undefined): string {
  const secret = poolKey ?? process.env['FAIRLEAD_POOL_KEY'] ?? '';
  if (typeof secret !== 'string' || secret.length < 16) {
    throw invalid(
      'INVALID_OPTION',
      'poolKey',
      'or the variable FAIRLEAD_POOL_KEY must be a secret of at least 16 letters',
    );
  }
  return hash('sha256', `fairlead pool ${secret}`, 'hex');
}

function invalid(code: 'INVALID_OPTION' | 'UNKNOWN_OPTION', key: string, problem: string): ConfigurationError {
  return new ConfigurationError(code, `redisStore.${key}`, problem);
}

import { hash, randomBytes } from 'node:crypto';
import { checkKeys, ConfigurationError, ETS_DEFAULTS, memoryStore, ownOptions, type SharedStore } from '@fairlead/core';
import { Peers, type WhenDown } from './alone.js';
import { checkClient, checkUrl } from './checks.js';
import { Keys } from './keys.js';
import { OwnWords } from './own-words.js';
import { connect, portOf, type RedisClient } from './port/connect.js';
import type { RedisPort } from './port/redis-port.js';
import { RedisLedger } from './redis-ledger.js';
import { RedisLink } from './redis-link.js';
import { RedisRecords } from './redis-records.js';
import { ShardedLedger } from './sharded-ledger.js';
import { Standing } from './standing.js';
import { latePort } from './port/late-port.js';
import { termsOf } from './terms.js';
import { WakingClock } from './waking-clock.js';

export interface RedisStoreOptions {
  /** A client of `ioredis` 6 or `redis` 6 of yours, which stays yours to close. Its autopipelining has to be off. */
  readonly client?: RedisClient;
  /** Or the server's address, for a connection of the store's own: `rediss://` and a password off this machine. */
  readonly url?: string;
  /** Names the pool at the server: workers that give the same name share it. @default 'default' */
  readonly pool?: string;
  /** The secret that names are hashed with, the same for all workers. @default the variable FAIRLEAD_POOL_KEY */
  readonly poolKey?: string;
  /** What is granted while the server is out of reach. @default 'partition' */
  readonly whenDown?: WhenDown;
  /** A worker's places return so long after it was last heard of; at most 60,000. @default 10_000 */
  readonly leaseTtlMs?: number;
  /** A command that takes longer counts as lost. @default 250 */
  readonly commandTimeoutMs?: number;
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
  startMs: 10_000,
  shards: 1,
});

const KEYS: readonly string[] = [...Object.keys(REDIS_STORE_DEFAULTS), 'client', 'url', 'poolKey'];
/** How often the workers hear of each other, and notice that the server has lost its data. */
const PULL_MS = 1_000;
/** Nobody is admitted for so long after such a loss: all have to notice it, and to say what they hold. */
const GRACE_MS = 2_000;
/** Commands that takes, the last of which may be as slow as a command may be. */
const COMMANDS_BACK = 4;
/** A worker that was not heard of for so many lives of a lease is gone for good. */
const SILENT_LIVES = 3;
/** By then every worker has heard of every other one. */
const SETTLED_PULLS = 3;
/**
 * How long a worker has to be out of reach for others to think that it has granted places without the server. Under `open` it
 * may have done so at once; who thought that of everyone would begin anew whenever somebody else does, and never come to an end.
 */
const ALONE_AFTER = {
  closed: () => Number.POSITIVE_INFINITY,
  partition: (ttlMs: number) => ttlMs,
  open: (ttlMs: number) => ttlMs,
};

/** What only tests and simulations set: by other values than these the promise need not hold. */
export interface Tuning {
  /** Names this worker to the others: sixteen hexadecimal digits, another at every start. */
  readonly worker?: string;
  readonly graceMs?: number;
  readonly pullMs?: number;
  /** Milliseconds of a clock that goes on while the machine sleeps. */
  readonly uptimeMs?: () => number;
}

/** Limits, suspensions, sessions and health that all workers with this store share. One pool a store. */
export function redisStore(options: RedisStoreOptions): SharedStore {
  return tunedRedisStore(options, {});
}

/** The same with times and a name of one's own: for tests. */
export function tunedRedisStore(input: RedisStoreOptions, tuning: Tuning): SharedStore {
  const options = checked(input);
  const { leaseTtlMs, whenDown, shards } = options;
  const port = options.client === undefined ? ownPort(options.url!) : usersPort(options.client);
  const worker = tuning.worker ?? randomBytes(8).toString('hex');
  const pullMs = tuning.pullMs ?? PULL_MS;
  const graceMs = tuning.graceMs ?? Math.max(GRACE_MS, PULL_MS + COMMANDS_BACK * options.commandTimeoutMs);
  const secret = secretOf(options.poolKey);
  const silenceMs = SILENT_LIVES * Math.max(leaseTtlMs, pullMs);
  const terms = termsOf({ secret, shards, leaseTtlMs });
  const links = Array.from({ length: shards }, (_, shard) => {
    const keys = new Keys(options.pool, shard, secret);
    return new RedisLink(port, keys, {
      worker,
      terms,
      silenceMs,
      graceMs,
      timeoutMs: options.commandTimeoutMs,
      aloneAfterMs: ALONE_AFTER[whenDown](leaseTtlMs),
    });
  });
  const peers = new Peers(worker, Math.max(leaseTtlMs, SETTLED_PULLS * pullMs));
  const words = new OwnWords();
  const clock = new WakingClock(tuning.uptimeMs);
  const ledgers = links.map((link) => new RedisLedger(link, peers, words, { leaseTtlMs, whenDown, clock }));
  const { startMs } = options;
  const times = { pullMs, startMs, silenceMs, tauMs: ETS_DEFAULTS.tauMs, clock };
  const standing = new Standing(links, words);
  const records = new RedisRecords(port, links, peers, standing, { worker, key: secret, ...times });
  return { name: 'redis', ledger: memoryStore().ledger, records, shared: new ShardedLedger(ledgers) };
}

function ownPort(url: string): RedisPort {
  checkUrl(url);
  return latePort(connect(url));
}

function usersPort(client: RedisClient): RedisPort {
  checkClient(client);
  return portOf(client);
}

type Given = 'client' | 'url' | 'poolKey';
type Checked = Required<Omit<RedisStoreOptions, Given>> & Pick<RedisStoreOptions, Given>;

function checked(input: RedisStoreOptions): Checked {
  const own = ownOptions(input, 'redisStore');
  checkKeys(own, KEYS, 'redisStore');
  const options: Checked = { ...REDIS_STORE_DEFAULTS, ...own };
  if ((options.client === undefined) === (options.url === undefined)) {
    throw invalid('client', "or 'url' is needed, and not both");
  }
  if (!/^[\w.-]{1,64}$/.test(options.pool)) throw invalid('pool', 'must be a word of at most 64 letters');
  if (!['partition', 'closed', 'open'].includes(options.whenDown)) {
    throw invalid('whenDown', "must be 'partition', 'closed' or 'open'");
  }
  within(options, 'leaseTtlMs', 200, 60_000);
  within(options, 'commandTimeoutMs', 10, 10_000);
  within(options, 'startMs', 0, 600_000);
  within(options, 'shards', 1, 256);
  return options;
}

function within(
  options: Checked,
  key: 'leaseTtlMs' | 'commandTimeoutMs' | 'startMs' | 'shards',
  least: number,
  most: number,
): void {
  const value: unknown = options[key];
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw invalid(key, `must be a whole number from ${least} to ${most}`);
}

/** Too short a secret could be found by trying, and with it every session and host that stands in a key. */
function secretOf(poolKey: string | undefined): string {
  const secret = poolKey ?? process.env['FAIRLEAD_POOL_KEY'] ?? '';
  if (typeof secret !== 'string' || secret.length < 16) {
    throw invalid('poolKey', 'or the variable FAIRLEAD_POOL_KEY must be a secret of at least 16 letters');
  }
  return hash('sha256', `fairlead pool ${secret}`, 'hex');
}

function invalid(key: string, problem: string): ConfigurationError {
  return new ConfigurationError('INVALID_OPTION', `redisStore.${key}`, problem);
}

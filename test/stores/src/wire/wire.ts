import { createPool, type Outcome, type Pool, type PoolOptions, type StoreReport } from '@fairlead/core';
import type { RedisStoreOptions } from '@fairlead/redis';
import { tunedRedisStore, type RedisPort, type Tuning } from '@fairlead/redis/port';
import { redisAvailability, startRedis, type RedisServer } from '@fairlead/lab';
import { Redis } from 'ioredis';

export const target = 'https://shop.example/';
export const ok: Outcome = { kind: 'response', status: 200, latencyMs: 20 };
export const { available } = redisAvailability();

/** A connection that can be made to refuse, or to keep its answers back. */
export class Wire implements RedisPort {
  readonly #client: Redis;
  /** What is told first of a command; a word of the server's refuses it. */
  before: (keys: readonly string[], args: readonly string[]) => void = () => undefined;
  /** What an answer waits for. */
  after: Promise<unknown> | undefined;
  /** Commands in the order they were sent. */
  readonly sent: { readonly keys: readonly string[]; readonly args: readonly string[] }[] = [];
  /** Between which two moments the server granted each place, by the one clock of this process. */
  readonly grants: { readonly after: number; readonly before: number }[] = [];

  constructor(url: string) {
    this.#client = new Redis(url);
    this.#client.on('error', () => undefined);
  }

  async evalSha(digest: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    this.sent.push({ keys, args });
    this.before(keys, args);
    const { after } = this;
    const sentAt = performance.now();
    const answer = await this.#client.evalsha(digest, keys.length, ...keys, ...args);
    if (keys.length > 3 && Array.isArray(answer) && answer[0] === 'ok' && answer.length === 4) {
      this.grants.push({ after: sentAt, before: performance.now() });
    }
    await after;
    return answer;
  }
  async load(script: string): Promise<string> {
    return String(await this.#client.script('LOAD', script));
  }
  command(name: string, ...args: readonly string[]): Promise<unknown> {
    return this.#client.call(name, ...args);
  }
  isUp(): boolean {
    return true;
  }
  onChange(): () => void {
    return () => undefined;
  }
  async close(): Promise<void> {
    this.#client.disconnect();
  }
}

export interface Worker {
  readonly pool: Pool;
  readonly reports: StoreReport[];
}

/** A server and workers of one pool. */
export class Site {
  readonly server: RedisServer;
  readonly admin: Redis;
  readonly #pools: Pool[] = [];
  #count = 0;

  private constructor(server: RedisServer) {
    this.server = server;
    this.admin = new Redis(server.url);
    this.admin.on('error', () => undefined);
  }

  static async open(): Promise<Site> {
    return new Site(await startRedis());
  }

  /** The next worker joins a pool of its own. */
  fresh(): void {
    this.#count += 1;
  }

  get name(): string {
    return `wire${this.#count}`;
  }

  keys(pattern: string): Promise<string[]> {
    return this.admin.keys(`fl1:{${this.name}}:${pattern}`);
  }

  async worker(
    options: Partial<RedisStoreOptions> = {},
    more: Partial<PoolOptions> = {},
    tuning: Tuning = { graceMs: 0, pullMs: 50 },
  ): Promise<Worker> {
    const address = options.client === undefined ? { url: this.server.url } : {};
    const poolKey = 'a secret that all workers share';
    const store = tunedRedisStore({ ...address, pool: this.name, poolKey, ...options }, tuning);
    const proxies = Array.from({ length: 4 }, (_, index) => ({ url: `http://p${index}.example:1`, maxInFlight: 2 }));
    const pool = createPool({ proxies, deadlineMs: 10_000, ...more, store });
    const reports: StoreReport[] = [];
    pool.on('store', (report) => reports.push(report));
    this.#pools.push(pool);
    await pool.ready();
    return { pool, reports };
  }

  async leave(): Promise<void> {
    await Promise.all(this.#pools.splice(0).map((pool) => pool.close()));
  }

  async close(): Promise<void> {
    await this.leave();
    this.admin.disconnect();
    await this.server.stop();
  }
}

/** Asks until the answer is what it should be. */
export async function until<T>(ask: () => Promise<T> | T, good: (value: T) => boolean): Promise<T> {
  const end = performance.now() + 15_000;
  for (;;) {
    const value = await ask();
    if (good(value) || performance.now() > end) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

import type { SharedAdmitRequest, SharedAdmitResult, SharedContext, SharedLedger } from '@fairlead/core';
import { spread } from './keys.js';
import type { RedisLedger } from './redis-ledger.js';
import { shardOf } from './standing.js';

/** One ledger over the shards of a pool: each endpoint and each session lives in one of them, suspensions in all. */
export class ShardedLedger implements SharedLedger {
  readonly #shards: readonly RedisLedger[];
  readonly #shardOfLease = new Map<string, RedisLedger>();

  constructor(shards: readonly RedisLedger[]) {
    this.#shards = shards;
  }

  get alone(): ((key: string) => boolean) | undefined {
    if (this.#shards.every(({ alone }) => alone === undefined)) return undefined;
    return (key) => this.#of(key).alone?.(key) ?? true;
  }

  start(context: SharedContext): void {
    this.#shards.forEach((shard, index) => {
      const lost = (leaseId: string): void => {
        this.#shardOfLease.delete(leaseId);
        context.lost(leaseId);
      };
      shard.start({
        ...context,
        lost,
        pins: () => filtered(context.pins(), ({ session }) => this.sessionShard(session) === index),
        paces: () => filtered(context.paces(), ({ key }) => this.shardOf(key) === index),
      });
    });
  }

  shardOf(key: string): number {
    return spread(key) % this.#shards.length;
  }

  sessionShard(session: string): number {
    return shardOf(session, this.#shards.length);
  }

  async admit(request: SharedAdmitRequest): Promise<SharedAdmitResult> {
    const shard = this.#of(request.candidates[0]!.key);
    this.#shardOfLease.set(request.leaseId, shard);
    const result = await shard.admit(request);
    if (!result.ok) this.#shardOfLease.delete(request.leaseId);
    return result;
  }

  release(leaseId: string): void {
    this.#shardOfLease.get(leaseId)?.release(leaseId);
    this.#shardOfLease.delete(leaseId);
  }

  suspend(target: string, forMs: number, why: string): void {
    for (const shard of this.#shards) shard.suspend(target, forMs, why);
  }

  resume(target: string): void {
    for (const shard of this.#shards) shard.resume(target);
  }

  bind(session: string, key: string, terms: SharedAdmitRequest['pin']): void {
    this.#shards[this.sessionShard(session)]!.bind(session, key, terms);
  }

  unpin(session: string, generation?: number): void {
    this.#shards[this.sessionShard(session)]!.unpin(session, generation);
  }

  async close(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.close()));
  }

  #of(key: string): RedisLedger {
    return this.#shards[this.shardOf(key)]!;
  }
}

function* filtered<T>(items: Iterable<T>, keep: (item: T) => boolean): Generator<T> {
  for (const item of items) if (keep(item)) yield item;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool, memoryStore, type Pool, type Store } from '@fairlead/core';
import { fileStore } from '@fairlead/core/file';
import { manualClock, seededRandom, type ManualClock } from '@fairlead/core/testing';
import type { RedisClient } from '@fairlead/redis';
import { tunedRedisStore, type RedisPort, type Tuning } from '@fairlead/redis/port';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { SimulatedRedis } from '../simulated/simulated-redis.js';

export const ENDPOINTS: readonly string[] = ['a', 'b', 'c'].map((name) => `http://${name}.example:1`);
export const LIMIT = 2;
/** A session is forgotten so long after its last use. */
export const SESSION_MS = 30_000;
/** How far time goes in one step: less than a command may take, so that whatever is due in between gets its answers. */
const STEP_MS = 100;
const poolKey = 'a secret that all workers share';

/** Where the stores of one run meet. */
export interface Place {
  /** What was learned is found again at the next start. */
  readonly keeps: boolean;
  /** How many may have the place at once. */
  readonly workers: number;
  /** Where time stands still until it is moved. */
  readonly clock: ManualClock | undefined;
  open(): { readonly store: Store; arrived(): Promise<unknown> };
  close(): void;
}

/** One worker: its pool, and the moment at which all it has said has been heard. */
export class Colleague {
  readonly pool: Pool;
  readonly #arrived: () => Promise<unknown>;
  readonly #clock: ManualClock | undefined;

  private constructor(pool: Pool, arrived: () => Promise<unknown>, clock: ManualClock | undefined) {
    this.pool = pool;
    this.#arrived = arrived;
    this.#clock = clock;
  }

  static async join({ clock, open }: Place, random = seededRandom(7)): Promise<Colleague> {
    const { store, arrived } = open();
    const proxies = ENDPOINTS.map((url) => ({ url, maxInFlight: LIMIT }));
    const session = { keep: 'sliding' as const, ttlMs: SESSION_MS };
    const policy = { abandon: false, session };
    const pool = createPool({
      proxies,
      store,
      policy,
      leaseIdleMs: 86_400_000,
      ...(clock === undefined ? {} : { clock, random }),
    });
    const colleague = new Colleague(pool, arrived, clock);
    await colleague.done(pool.ready());
    return colleague;
  }

  get now(): number {
    return this.#clock?.now() ?? performance.now();
  }

  /** Until the store has what was just said of a target, and others are to read of it. */
  async told(): Promise<void> {
    await this.pause();
    await this.said();
  }

  /** Until the store has what was just said. */
  async said(): Promise<void> {
    await new Promise(setImmediate);
    await this.#arrived();
  }

  /** Waits for what takes time: where time stands still it is moved. */
  async done<T>(work: Promise<T>): Promise<T> {
    const state = { over: false };
    const ended = work.finally(() => (state.over = true));
    ended.catch(() => undefined);
    if (this.#clock === undefined) return ended;
    await turns();
    while (!state.over) {
      this.#clock.advance(10);
      await turns();
    }
    return ended;
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.#clock?.advance(Math.min(left, STEP_MS));
      await turns();
    }
  }

  /** What comes of it within so long; after that it is taken back. */
  async within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T | Error> {
    const impatience = new AbortController();
    const end = this.#after(ms, () => impatience.abort());
    try {
      return await this.done(work(impatience.signal));
    } catch (error) {
      return error as Error;
    } finally {
      end();
    }
  }

  /** Until others may have been heard. */
  pause(): Promise<void> {
    return this.done(new Promise((resolve) => void this.#after(20, resolve)));
  }

  close(): Promise<void> {
    return this.done(this.pool.close());
  }

  #after(ms: number, then: () => void): () => void {
    if (this.#clock !== undefined) return this.#clock.schedule(this.#clock.now() + ms, then);
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  }
}

/** Whatever answers without a delay has answered. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}

const nothing = async (): Promise<void> => undefined;

export function memoryPlace(): Place {
  const open = () => ({ store: memoryStore(), arrived: nothing });
  return { keeps: false, workers: 1, clock: manualClock(1_000), open, close: () => undefined };
}

export function filePlace(): Place {
  const dir = mkdtempSync(join(tmpdir(), 'fairlead-model-'));
  const open = () => ({ store: fileStore({ dir }), arrived: nothing });
  const close = () => rmSync(dir, { recursive: true, force: true });
  return { keeps: true, workers: 1, clock: manualClock(1_000), open, close };
}

/** With the times of the model, or with others: those that users have where none are given. */
export function simulatedPlace(times: Tuning = QUICK): Place {
  const clock = manualClock(1_000);
  const server = new SimulatedRedis(() => clock.wallNow());
  const open = () => ({ store: storeOver(directPort(server), 'model', times), arrived: nothing });
  return { keeps: true, workers: 2, clock, open, close: () => undefined };
}

/** Answers at once. */
function directPort(server: SimulatedRedis): RedisPort {
  return {
    evalSha: async (digest, keys, args) => server.run(digest, keys, args),
    load: async (script) => server.load(script),
    command: async () => '',
    isUp: () => true,
    onChange: () => () => undefined,
    close: nothing,
  };
}

/** So that a run of many commands ends soon. */
const QUICK: Tuning = { graceMs: 0, pullMs: 50 };

function storeOver(client: RedisPort, pool: string, times: Tuning): Store {
  return tunedRedisStore({ client: client as unknown as RedisClient, pool, poolKey }, times);
}

export function redisPlace(library: 'ioredis' | 'redis', url: string, pool: string): Place {
  const ends: (() => void)[] = [];
  const open = () => {
    const { client, ping, end } = library === 'ioredis' ? overIoredis(url) : overNodeRedis(url);
    ends.push(end);
    return { store: storeOver(client, pool, QUICK), arrived: ping };
  };
  const close = () => {
    for (const end of ends) end();
  };
  return { keeps: true, workers: 2, clock: undefined, open, close };
}

function overIoredis(url: string) {
  const client = new Redis(url);
  return { client: client as never, ping: () => client.ping(), end: () => client.disconnect() };
}

function overNodeRedis(url: string) {
  const client = createClient({ url });
  return { client: client as never, ping: () => client.ping(), end: () => client.destroy() };
}

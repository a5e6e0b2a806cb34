import { createPool, type Lease, type Outcome, type Pool } from '@fairlead/core';
import { manualClock, seededRandom, type ManualClock } from '@fairlead/core/testing';
import type { RedisClient, WhenDown } from '@fairlead/redis';
import { tunedRedisStore, type RedisPort } from '@fairlead/redis/port';
import { afterEach, expect, test } from 'vitest';
import { SimulatedRedis } from './simulated-redis.js';
import { SleepingClock } from './sleeping-clock.js';

const ok: Outcome = { kind: 'response', status: 200, latencyMs: 20 };
const target = 'https://shop.example/';
const request = { target, attemptTimeoutMs: 86_400_000 };
const EXITS = ['http://a.example:1', 'http://b.example:1'];
const TTL_MS = 10_000;
const NIGHT_MS = 600_000;
/** By then whoever woke has taken note. */
const NOTED_MS = 1_500;
const STEP_MS = 100;

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

/** Two workers, of which one has a machine that sleeps. */
class Night {
  readonly clock: ManualClock = manualClock(1_000);
  readonly sleeper: SleepingClock;
  readonly server = new SimulatedRedis(() => this.clock.wallNow());
  /** The sleeper's connection has gone: nothing comes back. */
  isCut = false;
  readonly pools: Pool[] = [];
  readonly lost: string[] = [];

  constructor(stops: boolean) {
    this.sleeper = new SleepingClock(this.clock, stops);
  }

  async begin(whenDown: WhenDown): Promise<[sleeping: Pool, waking: Pool]> {
    const [sleeping, waking] = [this.#pool(whenDown, 'aa'), this.#pool(whenDown, 'bb')];
    sleeping.on('lease-lost', ({ endpoint }) => this.lost.push(endpoint));
    await this.done(Promise.all([sleeping.ready(), waking.ready()]));
    return [sleeping, waking];
  }

  #pool(whenDown: WhenDown, name: string): Pool {
    const sleeps = name === 'aa';
    const client = this.#port(sleeps) as RedisClient;
    const options = { client, poolKey: 'a secret of machines that sleep', leaseTtlMs: TTL_MS, whenDown };
    const tuning = { worker: name.padStart(16, '0'), uptimeMs: () => this.clock.now() };
    const pool = createPool({
      proxies: EXITS.map((url) => ({ url, maxInFlight: 1 })),
      store: tunedRedisStore(options, tuning),
      policy: { abandon: false },
      clock: sleeps ? this.sleeper : this.clock,
      random: seededRandom(sleeps ? 1 : 2),
      deadlineMs: 86_400_000,
      leaseIdleMs: 86_400_000,
    });
    this.pools.push(pool);
    return pool;
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.clock.advance(STEP_MS);
      for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    }
  }

  /** Lets time go on until it is done; it must be before the end of an hour. */
  async done<T>(work: Promise<T>): Promise<T> {
    const state = { over: false };
    const ended = work.finally(() => (state.over = true));
    ended.catch(() => undefined);
    for (let step = 0; step < 36_000 && !state.over; step += 1) await this.pass(STEP_MS);
    expect(state.over).toBe(true);
    return ended;
  }

  #port(sleeps: boolean): RedisPort {
    const answer = async <T>(work: () => T): Promise<T> => {
      const value = work();
      return sleeps && (this.isCut || this.sleeper.asleep) ? new Promise(() => undefined) : value;
    };
    return {
      evalSha: (digest, keys, args) => answer(() => this.server.run(digest, keys, args)),
      load: (script) => answer(() => this.server.load(script)),
      command: async () => '',
      isUp: () => true,
      onChange: () => () => undefined,
      close: async () => undefined,
    };
  }
}

/** Leases that somebody still goes by, at the exit that has most of them. */
function most(leases: readonly Lease[]): number {
  const live = leases.filter(({ signal }) => !signal.aborted).map(({ endpoint }) => endpoint.id);
  return Math.max(0, ...EXITS.map((exit) => live.filter((id) => id === exit).length));
}

const modes = [true, false].flatMap(
  // Who is cut off under `open` grants by what it knows alone.
  (stops) => [
    [stops, 'partition', false] as const,
    [stops, 'partition', true] as const,
    [stops, 'closed', false] as const,
    [stops, 'closed', true] as const,
    [stops, 'open', false] as const,
  ],
);

test.each(modes)(
  'a machine that slept takes note that its leases are over (its clock stood still: %s, %s, its connection had gone: %s)',
  async (stops, whenDown, isCut) => {
    const night = new Night(stops);
    const [sleeping, waking] = await night.begin(whenDown);
    close = () => night.done(Promise.all(night.pools.map((pool) => pool.close()))).then(() => undefined);
    const held = await night.done(Promise.all(EXITS.map(() => sleeping.acquire(request))));
    const inLine = sleeping.acquire(request);
    await night.pass(500);
    night.sleeper.sleep();
    const given = await night.done(Promise.all(EXITS.map(() => waking.acquire(request))));
    await night.pass(NIGHT_MS);
    night.isCut = isCut;
    night.sleeper.wake();
    await night.pass(NOTED_MS);
    night.isCut = false;
    expect(held.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect([...night.lost].sort()).toEqual(EXITS);
    // For as long as one likes: what was given to another is not taken back by any renewal or re-assertion.
    await night.pass(3 * TTL_MS);
    expect(most([...held, ...given])).toBe(1);
    expect(given.map(({ signal }) => signal.aborted)).toEqual([false, false]);
    expect(sleeping.stats().inFlight).toBe(0);
    // Whoever was in line when the machine fell asleep is served when there is a place.
    for (const lease of given) lease.settle(ok);
    const late = await night.done(inLine);
    late.settle(ok);
    (await night.done(sleeping.acquire(request))).settle(ok);
  },
  60_000,
);

import { createPool, type Lease, type Outcome, type Pool } from '@fairlead/core';
import { manualClock, seededRandom, type ManualClock } from '@fairlead/core/testing';
import type { RedisClient } from '@fairlead/redis';
import { tunedRedisStore, type RedisPort } from '@fairlead/redis/port';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimulatedRedis } from '../simulated/simulated-redis.js';

const ok: Outcome = { kind: 'response', status: 200, latencyMs: 20 };
const LIMIT = 2;
const TTL_MS = 60_000;
const URLS = ['http://a.example:1', 'http://b.example:1'];
const SESSIONS = ['cart', 'search'] as const;
/** By then all that there was to tell has been told, and an outage is over. */
const HEARD_MS = 4_000;
const RUNS = Number(process.env['MODEL_RUNS'] ?? 300);

/** What one caller does, one thing after another. */
interface Visit {
  readonly worker: number;
  readonly session: string | undefined;
  readonly uses: number;
}

const visits = fc.array(
  fc.record({
    worker: fc.nat({ max: 1 }),
    session: fc.constantFrom(...SESSIONS, undefined),
    uses: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 2, maxLength: 8 },
);

test(`in whatever order commands and answers of two workers come, limits and sessions hold`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      visits,
      fc.array(fc.constantFrom<Mishap>('wipe', 'late', 'unbind', 'move')),
      async (s, all, bad) => {
        const scene = new Scene(s);
        await scene.open();
        for (const mishap of bad) scene.plan(mishap);
        await scene.through(Promise.all(all.map((visit) => scene.visit(visit))));
        await scene.agree();
        await scene.close();
        expect(scene.broken).toEqual([]);
      },
    ),
    { numRuns: RUNS, seed: Number(process.env['MODEL_SEED'] ?? 1), endOnFailure: true },
  );
}, 300_000);

type Mishap = 'wipe' | 'late' | 'unbind' | 'move';

/** Two workers and a server, whose every step is taken when the scheduler says so. */
class Scene {
  readonly broken: string[] = [];
  readonly #scheduler: fc.Scheduler;
  readonly #clock: ManualClock = manualClock(1_000);
  readonly #server = new SimulatedRedis(() => this.#clock.wallNow());
  readonly #pools: Pool[] = [];
  readonly #inFlight = new Map<string, number>();
  readonly #exits = new Map<string, string>();
  /** Before the workers have found each other nothing is to come in another order. */
  #isOrdered = true;

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
  }

  async open(): Promise<void> {
    for (const worker of ['00000000000000aa', '00000000000000bb']) {
      const options = { client: this.#port() as RedisClient, poolKey: 'a secret of interleavings', leaseTtlMs: TTL_MS };
      const store = tunedRedisStore({ ...options, whenDown: 'closed' }, { worker, graceMs: 400, pullMs: 100 });
      const proxies = URLS.map((url) => ({ url, maxInFlight: LIMIT }));
      const random = seededRandom(worker.codePointAt(14)!);
      const clock = this.#clock;
      const policy = { abandon: false };
      const pool = createPool({ proxies, store, policy, clock, random, deadlineMs: 3_600_000, leaseIdleMs: 3_600_000 });
      pool.on('unpinned', ({ session = '' }) => this.#exits.delete(session));
      this.#pools.push(pool);
      await this.through(pool.ready());
    }
    this.#isOrdered = false;
  }

  #isCalm = true;

  /** Something that happens between any two steps. */
  plan(mishap: Mishap): void {
    this.#isCalm = false;
    void this.#scheduler.schedule(Promise.resolve(), mishap).then(() => {
      if (mishap === 'wipe') this.#server.wipe('both');
      // Longer than a command may take: what is on its way counts as lost.
      else if (mishap === 'late') this.#clock.advance(300);
      else if (mishap === 'unbind') this.#pools[0]!.sessions.unbind('cart');
      else this.#move();
    });
  }

  async visit({ worker, session, uses }: Visit): Promise<void> {
    const pool = this.#pools[worker]!;
    for (let use = 0; use < uses; use += 1) {
      const lease = await pool.acquire({ target: 'shop.example', ...(session === undefined ? {} : { session }) });
      this.#take(lease, session);
      await this.#scheduler.schedule(Promise.resolve(), 'the answer of the target');
      this.#inFlight.set(lease.endpoint.id, this.#inFlight.get(lease.endpoint.id)! - 1);
      lease.settle(ok);
    }
  }

  /** Takes one step after another until the work is done; where none is left, time goes on. */
  async through(work: Promise<unknown>): Promise<void> {
    const state = { over: false };
    const ended = work.finally(() => (state.over = true));
    ended.catch(() => undefined);
    for (let step = 0; step < 20_000 && !state.over; step += 1) {
      if (this.#scheduler.count() > 0) await this.#scheduler.waitNext(1);
      else this.#clock.advance(20);
      await new Promise(setImmediate);
    }
    if (!state.over) throw new Error('it came to no end');
    await ended;
  }

  /** When all has been told, both remember of each session what the server knows. */
  async agree(): Promise<void> {
    this.#isOrdered = true;
    await this.#scheduler.waitIdle();
    const state = { over: false };
    this.#clock.schedule(this.#clock.now() + HEARD_MS, () => (state.over = true));
    while (!state.over) {
      this.#clock.advance(20);
      await new Promise(setImmediate);
    }
    const remembered = this.#pools.map((pool) => SESSIONS.map((session) => pool.sessions.lookup(session)));
    const kept = this.#server.livePins;
    for (const exits of remembered) {
      const told = exits.filter((exit) => exit !== undefined).length;
      if (told !== kept) this.broken.push(`${told} exits are remembered where the server keeps ${kept}`);
    }
    if (String(remembered[0]) !== String(remembered[1])) this.broken.push(`remembered are ${remembered.join(' and ')}`);
  }

  async close(): Promise<void> {
    await this.through(Promise.all(this.#pools.map((pool) => pool.close())));
    await this.#scheduler.waitIdle();
    // Who could not reach the store at its end has left places behind, for as long as a lease lives.
    if (!this.#isCalm) this.#clock.advance(TTL_MS);
    if (this.#server.liveLeases > 0) this.broken.push(`${this.#server.liveLeases} places never came back`);
  }

  #take(lease: Lease, session: string | undefined): void {
    const exit = lease.endpoint.id;
    const count = (this.#inFlight.get(exit) ?? 0) + 1;
    this.#inFlight.set(exit, count);
    if (count > LIMIT) this.broken.push(`${count} at once at ${exit}`);
    if (session === undefined) return;
    const { generation } = (lease as unknown as { parts: { generation: number } }).parts;
    const name = `${session} ${generation}`;
    const known = this.#exits.get(name) ?? exit;
    if (known !== exit) this.broken.push(`${name} at ${known} and ${exit}`);
    this.#exits.set(name, exit);
  }

  #move(): void {
    const [pool] = this.#pools;
    const { id } = pool!.stats().endpoints.at(-1)!;
    pool!.sessions.bind('cart', id);
  }

  #port(): RedisPort {
    const step = async <T>(what: string, work: () => T): Promise<T> => {
      await this.#turn(`${what} is on its way`);
      const answer = work();
      await this.#turn(`the answer to ${what} is on its way`);
      return answer;
    };
    return {
      evalSha: (digest, keys, args) => step(`a command`, () => this.#server.run(digest, keys, args)),
      load: (script) => step('a script', () => this.#server.load(script)),
      command: async () => '',
      isUp: () => true,
      onChange: () => () => undefined,
      close: async () => undefined,
    };
  }

  async #turn(what: string): Promise<void> {
    if (!this.#isOrdered) await this.#scheduler.schedule(Promise.resolve(), what);
  }
}

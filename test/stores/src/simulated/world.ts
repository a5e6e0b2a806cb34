import { createPool, type Lease, type Pool, type Random } from '@fairlead/core';
import type { WhenDown } from '@fairlead/redis';
import { tunedRedisStore } from '@fairlead/redis/port';
import { seededRandom } from '@fairlead/core/testing';
import { Connection, type Tally, type Weather } from './network.js';
import { SimulatedRedis } from './simulated-redis.js';
import { Machine, VirtualTime } from './virtual-time.js';

/** What one life of four workers came to. */
export interface Life {
  readonly seed: number;
  readonly events: number;
  readonly grants: number;
  readonly wipes: number;
  readonly freezes: number;
  readonly crashes: number;
  readonly outages: number;
  readonly lostReplies: number;
  /** In words, what was promised and not kept. */
  readonly broken: readonly string[];
}

const WORKERS = 4;
const TTL_MS = 1_000;
/** Long enough for everyone to come back in: that is what the promise after a loss of data hangs on. */
const GRACE_MS = 1_500;
const LIFE_MS = 5_500;
const CALM_MS = 4_500;
const PACE_MS = 700;
/** What is promised under `open` is little, but everyone is to come back from it: it is drawn less often. */
const WAYS = [
  'closed',
  'closed',
  'closed',
  'closed',
  'partition',
  'partition',
  'partition',
  'partition',
  'open',
] as const;
/** Beyond this a process that stood still cannot rely on its leases. */
const SAFE_MS = TTL_MS * 0.6;
const STEP_LIMIT = 100_000;

interface Use {
  readonly worker: Worker;
  readonly endpoint: string;
}

interface Worker {
  readonly machine: Machine;
  readonly connection: Connection;
  readonly pool: Pool;
  readonly held: Set<Lease>;
  /** Attempts settled here, for the count of what was told. */
  grantsAfter: number;
}

/** Four workers with the real pool and the real store over a simulated server, for some seconds of their time. */
export class World {
  readonly #seed: number;
  readonly #random: Random;
  readonly #time = new VirtualTime();
  readonly #redis = new SimulatedRedis(() => this.#time.now + 1_700_000_000_000);
  readonly #workers: Worker[] = [];
  readonly #uses = new Map<string, Set<Use>>();
  readonly #granted = new Map<string, { at: number; worker: string }>();
  readonly #pacedAt = new Map<string, number>();
  readonly #pinned = new Map<string, string>();
  readonly #broken: string[] = [];
  readonly #tally: Tally = { commands: 0, lostReplies: 0 };
  readonly #endpoints: number;
  readonly #limit: number;
  readonly #whenDown: WhenDown;
  #grants = 0;
  #counts = { wipes: 0, freezes: 0, crashes: 0, outages: 0 };
  #calmSince = Number.POSITIVE_INFINITY;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#endpoints = 2 + this.#int(3);
    this.#limit = 1 + this.#int(3);
    this.#whenDown = WAYS[this.#int(WAYS.length)]!;
  }

  async live(): Promise<Life> {
    for (let index = 0; index < WORKERS; index += 1) this.#join();
    this.#planFaults();
    this.#time.at(LIFE_MS, () => this.#calm());
    let events = 0;
    while (events < STEP_LIMIT && (await this.#time.step(LIFE_MS + CALM_MS))) events += 1;
    for (const worker of this.#workers) {
      if (!worker.machine.dead && worker.grantsAfter === 0)
        this.#break('a worker got nothing after everything was well again');
    }
    await this.#end();
    const { wipes, freezes, crashes, outages } = this.#counts;
    const { lostReplies } = this.#tally;
    const broken = [...new Set(this.#broken)];
    return { seed: this.#seed, events, grants: this.#grants, wipes, freezes, crashes, outages, lostReplies, broken };
  }

  #join(): void {
    const machine = new Machine(this.#time, this.#random() * 1e6, (this.#random() - 0.5) * 7_200_000);
    const connection = new Connection(this.#time, this.#redis, machine, this.#random, this.#tally);
    // What the network does it does to whoever comes now, too.
    Object.assign(connection.weather, this.#workers[0]?.connection.weather);
    const name = Math.floor(this.#random() * 2 ** 52);
    const options = {
      client: connection,
      poolKey: 'a secret for simulations',
      leaseTtlMs: TTL_MS,
      startMs: 60_000,
      whenDown: this.#whenDown,
    };
    const store = tunedRedisStore(options, { worker: name.toString(16).padStart(16, '0'), graceMs: GRACE_MS });
    const proxies = Array.from({ length: this.#endpoints }, (_, index) => ({
      url: `http://e${index}.example:1`,
      maxInFlight: this.#limit,
    }));
    const policy = { abandon: false, targets: [{ match: 'paced.example', minIntervalMs: PACE_MS }] };
    const pool = createPool({ proxies, store, clock: machine, random: this.#random, policy, deadlineMs: 60_000 });
    const worker: Worker = { machine, connection, pool, held: new Set(), grantsAfter: 0 };
    this.#workers.push(worker);
    pool.on('lease-lost', () => this.#forget(worker));
    for (let caller = 0; caller < 2; caller += 1) this.#ask(worker);
  }

  /** One caller: asks, holds, gives back, and asks again. */
  #ask(worker: Worker): void {
    if (worker.machine.dead || this.#time.now >= LIFE_MS + CALM_MS - 800) return;
    // In the end everyone asks for what there is enough of.
    const kind = this.#time.now < LIFE_MS ? this.#random() : 0.5;
    const target = kind < 0.2 ? 'https://paced.example/' : 'https://free.example/';
    const session = kind > 0.7 ? `s${this.#int(3)}` : undefined;
    worker.pool
      .acquire({ target, ...(session === undefined ? {} : { session }) })
      .then((lease) => this.#granted_(worker, lease, target, session))
      .catch(() => worker.machine.schedule(worker.machine.now() + 50, () => this.#ask(worker)));
  }

  #granted_(worker: Worker, lease: Lease, target: string, session: string | undefined): void {
    if (worker.machine.dead) return;
    const endpoint = lease.endpoint.id;
    this.#grants += 1;
    if (this.#time.now >= this.#calmSince) worker.grantsAfter += 1;
    worker.held.add(lease);
    this.#use(worker, endpoint);
    if (target.includes('paced')) this.#checkPace(lease, endpoint);
    if (session !== undefined) this.#checkPin(lease, session, endpoint);
    const long = this.#time.now < LIFE_MS && this.#random() < 0.3;
    const holdMs = long ? 300 + this.#random() * 900 : 5 + this.#random() * 30;
    worker.machine.schedule(worker.machine.now() + holdMs, () => {
      if (!lease.settled) {
        worker.held.delete(lease);
        this.#giveBack(worker, endpoint);
        lease.settle({ kind: 'response', status: 200, latencyMs: holdMs });
      }
      worker.machine.schedule(worker.machine.now() + this.#random() * 60, () => this.#ask(worker));
    });
  }

  #use(worker: Worker, endpoint: string): void {
    const uses = this.#uses.get(endpoint) ?? new Set<Use>();
    this.#uses.set(endpoint, uses.add({ worker, endpoint }));
    // A process that stands still for long uses nothing, and finds its leases gone when it wakes.
    const live = [...uses].filter((use) => !use.worker.machine.dead && !this.#standsStill(use.worker));
    if (live.length > this.#limit && this.#whenDown !== 'open')
      this.#break(`${live.length} at once where ${this.#limit} may be`);
  }

  readonly #frozenLong = new Set<Worker>();
  /** When the weather was last bad: leases may not have been renewed since. */
  #stormyAt = Number.NEGATIVE_INFINITY;

  #standsStill(worker: Worker): boolean {
    return this.#frozenLong.has(worker);
  }

  #giveBack(worker: Worker, endpoint: string): void {
    const uses = this.#uses.get(endpoint);
    for (const use of uses ?? []) {
      if (use.worker !== worker) continue;
      uses!.delete(use);
      return;
    }
  }

  /** Leases that the pool has ended itself are over. */
  #forget(worker: Worker): void {
    for (const lease of worker.held) {
      if (!lease.settled) continue;
      worker.held.delete(lease);
      this.#giveBack(worker, lease.endpoint.id);
    }
  }

  #checkPace(lease: Lease, endpoint: string): void {
    const { sharedId = '' } = (lease as unknown as { parts: { sharedId?: string } }).parts;
    // Where the server granted it, then: the answer took its time. Else the worker did, just now.
    const at = this.#granted.get(sharedId)?.at ?? this.#time.now;
    const before = this.#pacedAt.get(endpoint);
    const early = before !== undefined && Math.abs(at - before) < PACE_MS - 5;
    if (early && this.#whenDown !== 'open') this.#break('a pace was not kept');
    this.#pacedAt.set(endpoint, Math.max(at, before ?? 0));
  }

  /** One generation of a session's pin has one endpoint, whoever asks. */
  #checkPin(lease: Lease, session: string, endpoint: string): void {
    const { generation, sharedId = '' } = (lease as unknown as { parts: { generation: number; sharedId?: string } })
      .parts;
    if (!this.#granted.has(sharedId)) return;
    const name = `${session} ${generation}`;
    const known = this.#pinned.get(name);
    if (known !== undefined && known !== endpoint) this.#break('a session had two exits');
    this.#pinned.set(name, endpoint);
  }

  #planFaults(): void {
    this.#redis.onGrant = (lease) => this.#granted.set(lease, { at: this.#time.now, worker: '' });
    const when = (): number => TTL_MS * 1.5 + this.#random() * (LIFE_MS - TTL_MS * 3.5);
    if (this.#random() < 0.7) this.#time.at(when(), () => this.#wipe());
    if (this.#random() < 0.7) this.#time.at(when(), () => this.#freeze());
    if (this.#random() < 0.7) this.#time.at(when(), () => this.#lossy());
    if (this.#random() < 0.3) this.#time.at(when(), () => this.#crash());
    if (this.#random() < 0.4) this.#time.at(when(), () => this.#outage());
  }

  #wipe(): void {
    this.#counts.wipes += 1;
    const kind = this.#random();
    this.#redis.wipe(kind < 0.5 ? 'data' : kind < 0.7 ? 'scripts' : 'both');
  }

  #freeze(): void {
    const worker = this.#someone();
    this.#counts.freezes += 1;
    const lengthMs = this.#random() < 0.5 ? this.#random() * SAFE_MS : TTL_MS + this.#random() * 1_500;
    worker.machine.freeze();
    // Between the two it is anybody's guess who has the place; such lengths are not drawn.
    if (lengthMs > SAFE_MS || this.#time.now - this.#stormyAt < TTL_MS) this.#frozenLong.add(worker);
    this.#time.at(this.#time.now + lengthMs, () => {
      worker.machine.thaw();
      // What it does first is to find out what it has lost.
      this.#time.at(this.#time.now, () => {
        this.#forget(worker);
        this.#frozenLong.delete(worker);
      });
    });
  }

  #lossy(): void {
    // Shorter than a lease lives: who loses everything for longer is cut off alone, which is promised nothing.
    const lengthMs = 100 + this.#random() * 500;
    this.#weather(
      { loseRequest: this.#random() * 0.3, loseReply: this.#random() * 0.5, slow: this.#random() * 0.2 },
      lengthMs,
    );
  }

  #outage(): void {
    this.#counts.outages += 1;
    this.#weather({ cut: true }, 200 + this.#random() * 3_000);
  }

  #weather(weather: Partial<Weather>, lengthMs: number): void {
    this.#stormyAt = this.#time.now + lengthMs;
    for (const { connection, machine } of this.#workers) {
      Object.assign(connection.weather, weather);
      // Who is stopped just now cannot renew either when it wakes.
      if (machine.frozen) this.#frozenLong.add(this.#workerOf(machine));
    }
    this.#time.at(this.#time.now + lengthMs, () => {
      for (const { connection } of this.#workers)
        connection.weather = { loseRequest: 0, loseReply: 0, slow: 0, cut: false };
    });
  }

  #workerOf(machine: Machine): Worker {
    return this.#workers.find((worker) => worker.machine === machine)!;
  }

  #crash(): void {
    this.#counts.crashes += 1;
    const worker = this.#someone();
    worker.machine.dead = true;
    for (const uses of this.#uses.values()) for (const use of uses) if (use.worker === worker) uses.delete(use);
    this.#join();
  }

  #someone(): Worker {
    const alive = this.#workers.filter(({ machine }) => !machine.dead && !machine.frozen);
    return alive[this.#int(alive.length)]!;
  }

  /** From now on nothing goes wrong any more. */
  #calm(): void {
    this.#calmSince = this.#time.now + 2_600;
    this.#time.at(this.#calmSince, () => {
      for (const worker of this.#workers) this.#ask(worker);
    });
  }

  async #end(): Promise<void> {
    const alive = this.#workers.filter(({ machine }) => !machine.dead);
    const closing = Promise.all(alive.map(({ pool }) => pool.close()));
    const until = this.#time.now + TTL_MS + 1_000;
    for (let step = 0; step < 2_000 && (await this.#time.step(until)); step += 1);
    await Promise.race([closing, new Promise(setImmediate)]);
    if (this.#redis.liveLeases > 0) this.#break(`${this.#redis.liveLeases} places never came back`);
  }

  #break(words: string): void {
    this.#broken.push(`${words} (${this.#whenDown}, at ${Math.round(this.#time.now)} ms)`);
  }

  #int(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

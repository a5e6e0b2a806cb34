import { setTimeout as wait } from 'node:timers/promises';
import { startRedis, type RedisServer } from '@fairlead/lab';
import type { WhenDown } from '@fairlead/redis';
import { Redis } from 'ioredis';
import { check, type Batch } from './checker.js';
import { Crew, monotonic } from './crew.js';
import { TTL_MS } from './order.js';
import { Relay } from './relay.js';

export const FAULTS = [
  'none',
  'kill -9',
  'stopped 1.5 s',
  'wipe',
  'restart',
  'black hole',
  'reset',
  'reply lost',
  'slow 300 ms',
  'no scripts',
  'out of memory',
] as const;
export type Fault = (typeof FAULTS)[number] | 'one cut off';

export interface Cell {
  readonly fault: Fault;
  readonly whenDown: WhenDown;
  readonly grants: number;
  readonly oversubscribed: number;
  readonly paceViolations: number;
  readonly orphansAfterTtl: number;
  readonly softCountError: number;
  /** From the end of the fault to the first grant of the last worker to get one. */
  readonly recoveryMs: number;
  /** How often a process got no processor for longer than its leases may be sure of: a busy machine, or the fault itself. */
  readonly stalls: number;
}

const WORKERS = 4;
const OUTAGE_MS = 3_000;
/** A cell that cannot reach its number of grants is ended, and says how many it had. */
const LONGEST_MS = 60_000;

/** Runs four processes through one fault, and judges what they wrote down. */
export async function runCell(fault: Fault, whenDown: WhenDown, grants: number, folder: string): Promise<Cell> {
  const pool = `${fault.replaceAll(/[^a-z0-9]/g, '')}-${whenDown}`;
  const world = new World(await startRedis(), await freshAdmin());
  const relay = await Relay.start(world.server.port);
  const lonely = await Relay.start(world.server.port);
  const crew = new Crew();
  try {
    await world.connect();
    for (let index = 0; index < WORKERS; index += 1) {
      crew.join(index === 0 ? lonely.port : relay.port, pool, whenDown, folder);
    }
    await crew.ready();
    const deadline = monotonic() + LONGEST_MS;
    // Everybody has been heard of for as long as the others take to rely on it.
    await wait(TTL_MS * 2.5);
    await until(() => crew.grants >= grants * 0.3, deadline);
    const epochBefore = await world.epoch(pool);
    const faultEnd = await inflict(fault, world, crew, [relay, lonely], pool);
    await wait(4_000);
    await until(() => crew.grants >= grants, deadline);
    await crew.rest();
    await wait(TTL_MS + 1_000);
    // Counted while everybody who holds something would still prolong it.
    const orphansAfterTtl = await world.orphans(pool);
    await crew.stop();
    const found = check(crew.logs);
    const attempts = await world.attempts(pool);
    const wiped = fault === 'wipe' || fault === 'restart';
    const sent = await world.expectedAttempts(pool, found.batches, wiped ? epochBefore : 0);
    // Where nothing may be lost, whatever has ended has been counted.
    const ended = wiped || fault === 'kill -9' ? attempts : found.settled;
    return {
      fault,
      whenDown,
      grants: found.grants,
      oversubscribed: found.oversubscribed,
      paceViolations: found.paceViolations,
      stalls: found.stalls,
      orphansAfterTtl,
      softCountError: Math.max(Math.abs(attempts - sent), Math.abs(attempts - ended)),
      recoveryMs: recoveryOf(found.grantTimes, faultEnd, crew),
    };
  } finally {
    await crew.stop();
    await Promise.all([relay.stop(), lonely.stop()]);
    await world.stop();
  }
}

/** What is done, and when it was over. */
async function inflict(
  fault: Fault,
  world: World,
  crew: Crew,
  relays: readonly Relay[],
  pool: string,
): Promise<number> {
  const through = async (weather: Relay['weather'], which = relays): Promise<void> => {
    for (const relay of which) relay.weather = weather;
    await wait(OUTAGE_MS);
    for (const relay of which) relay.weather = 'clear';
    // What was swallowed leaves the stream of a connection without a part: it is of no use any more.
    for (const relay of which) relay.reset();
  };
  switch (fault) {
    case 'none':
      break;
    case 'kill -9':
      crew.kill(1);
      break;
    case 'stopped 1.5 s':
      crew.freeze(1);
      await wait(1_500);
      crew.thaw(1);
      break;
    case 'wipe':
      await world.admin.flushall();
      break;
    case 'restart':
      await world.restart();
      break;
    case 'black hole':
      await through('black hole');
      break;
    case 'reset':
      for (const relay of relays) relay.reset();
      break;
    case 'reply lost':
      await through('reply lost');
      break;
    case 'slow 300 ms':
      for (const relay of relays) relay.weather = 'slow';
      await wait(OUTAGE_MS);
      for (const relay of relays) relay.weather = 'clear';
      break;
    case 'no scripts':
      await world.admin.script('FLUSH');
      break;
    case 'out of memory':
      await world.admin.config('SET', 'maxmemory', '1');
      await wait(OUTAGE_MS);
      await world.admin.config('SET', 'maxmemory', '0');
      break;
    case 'one cut off':
      await through('black hole', [relays[1]!]);
      break;
    default:
      fault satisfies never;
  }
  void pool;
  return monotonic();
}

/** The server of a cell, and what is read from it beside the workers. */
class World {
  server: RedisServer;
  admin: Redis;

  constructor(server: RedisServer, admin: Redis) {
    this.server = server;
    this.admin = admin;
  }

  async connect(): Promise<void> {
    this.admin.disconnect();
    this.admin = new Redis(this.server.url);
    this.admin.on('error', () => undefined);
    await this.admin.ping();
  }

  async restart(): Promise<void> {
    const { port } = this.server;
    this.admin.disconnect();
    await this.server.stop();
    this.server = await startRedis({ port });
    await this.connect();
  }

  async epoch(pool: string): Promise<number> {
    return Number(await this.admin.hget(`fl1:{${pool}}:m`, 'epoch'));
  }

  /** Places that are still taken though nobody uses any. */
  async orphans(pool: string): Promise<number> {
    const [seconds, micros] = (await this.admin.time()).map(Number);
    const now = seconds! * 1000 + micros! / 1000;
    let count = 0;
    for (const key of await this.admin.keys(`fl1:{${pool}}:l:*`))
      count += await this.admin.zcount(key, `(${now}`, '+inf');
    return count;
  }

  /** Attempts that the store has counted: the first four bytes of each record. */
  async attempts(pool: string): Promise<number> {
    let sum = 0;
    for (let bucket = 0; bucket < 16; bucket += 1) {
      const records = await this.admin.hgetallBuffer(`fl1:{${pool}}:h:${bucket.toString(16)}`);
      for (const record of Object.values(records)) sum += record.readUInt32LE(0);
    }
    return sum;
  }

  /** What it should have counted: each batch that was acknowledged or that it remembers, once. */
  async expectedAttempts(pool: string, batches: readonly Batch[], afterEpoch: number): Promise<number> {
    const known = await this.admin.hgetall(`fl1:{${pool}}:q`);
    const seen = new Set<string>();
    let sum = 0;
    for (const { worker, sequence, epoch, attempts } of batches.toReversed()) {
      const name = `${worker} ${sequence}`;
      if (epoch <= afterEpoch || seen.has(name) || Number(known[worker] ?? 0) < sequence) continue;
      seen.add(name);
      sum += attempts;
    }
    return sum;
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await this.server.stop();
  }
}

async function freshAdmin(): Promise<Redis> {
  return new Redis({ lazyConnect: true });
}

function recoveryOf(times: readonly (readonly number[])[], faultEnd: number, crew: Crew): number {
  let worst = 0;
  times.forEach((own, index) => {
    if (crew.logs[index]!.killedAt !== undefined) return;
    const first = own.find((at) => at >= faultEnd) ?? Number.POSITIVE_INFINITY;
    worst = Math.max(worst, first - faultEnd);
  });
  return Math.round(worst);
}

async function until(done: () => boolean, deadline: number): Promise<void> {
  while (!done() && monotonic() < deadline) await wait(50);
}

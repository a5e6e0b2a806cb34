import { normal, seededRandom, type Random } from '../random.js';
import type { Reply } from '../reply.js';
import { Fleet } from './fleet.js';
import type { WorldPlan } from './plan.js';
import { Sites } from './sites.js';

/** What a fleet and its targets do to attempts. Holds the truth; policies see replies only. */
export class World {
  readonly plan: WorldPlan;
  readonly fleet: Fleet;
  readonly sites: Sites;
  readonly #random: Random;
  readonly #popularity: Float64Array;

  constructor(plan: WorldPlan, seed: number) {
    this.plan = plan;
    this.fleet = new Fleet(plan, seed);
    this.#random = seededRandom(seed ^ 0x51ed270b);
    this.sites = new Sites(plan, this.fleet.size, seed, seededRandom(seed ^ 0x2545f491));
    this.#popularity = cumulativeZipf(plan.targets, plan.zipf ?? 0.8);
  }

  /** The destination of the next request. */
  drawTarget(random: Random): number {
    const u = random();
    let target = 0;
    while (this.#popularity[target]! < u) target += 1;
    return target;
  }

  /** Starts an attempt, which takes a place on the endpoint until `release`. */
  attempt(endpoint: number, target: number, now: number, reply: Reply): void {
    const { fleet } = this;
    const random = this.#random;
    reply.retryAfterMs = 0;
    const full = fleet.inFlight[endpoint]! >= fleet.cap[endpoint]!;
    fleet.inFlight[endpoint]! += 1;
    if (!fleet.isUp(endpoint, now)) return fleet.swallows(endpoint, now) ? hang(reply) : refuse(reply, random);
    if (full) return refuse(reply, random);
    const takesMs = fleet.medianAt(endpoint, now) * Math.exp(fleet.noise[endpoint]! * normal(random));
    if (random() >= fleet.okAt(endpoint, now)) return this.#fail(endpoint, takesMs, reply);
    this.sites.answer(endpoint, target, now, random, reply);
    if (reply.kind === 'timeout') return hang(reply);
    const refused = reply.kind === 'denied' || reply.kind === 'throttled' || reply.kind === 'target-error';
    reply.takesMs = refused ? takesMs * 0.5 : takesMs;
  }

  release(endpoint: number): void {
    this.fleet.inFlight[endpoint]! -= 1;
  }

  #fail(endpoint: number, takesMs: number, reply: Reply): void {
    const u = this.#random();
    const connect = this.fleet.connectShare[endpoint]!;
    if (u < connect) {
      reply.kind = 'connect-fault';
      reply.takesMs = takesMs * CONNECT_PART;
    } else if (u < connect + this.fleet.hangShare[endpoint]!) hang(reply);
    else {
      reply.kind = 'cut';
      reply.takesMs = takesMs * CUT_PART;
    }
  }
}

/** How far through its latency an attempt fails to connect, and is cut off. */
export const CONNECT_PART = 0.3;
export const CUT_PART = 0.7;
const REFUSAL_MS = { least: 20, most: 200 };

function hang(reply: Reply): void {
  reply.kind = 'timeout';
  reply.takesMs = Infinity;
}

function refuse(reply: Reply, random: Random): void {
  reply.kind = 'connect-fault';
  reply.takesMs = REFUSAL_MS.least + (REFUSAL_MS.most - REFUSAL_MS.least) * random();
}

function cumulativeZipf(count: number, exponent: number): Float64Array {
  const shares = new Float64Array(count);
  let sum = 0;
  for (let index = 0; index < count; index += 1) shares[index] = sum += (index + 1) ** -exponent;
  for (let index = 0; index < count; index += 1) shares[index]! /= sum;
  // The last bound is one by definition, whatever rounding says.
  shares[count - 1] = 1;
  return shares;
}

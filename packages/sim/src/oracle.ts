import type { Player, Request, Sight } from './player.js';
import { CONNECT_PART, CUT_PART, type World } from './worlds/world.js';

/** The part of a ban's length that an oracle would spend to avoid it; found best on tuning seeds. */
const BAN_WEIGHT = 0.5;
/** hazard · rate² · ban at most: 1 wins most over endless time; a run that ends may dare a little more (tuned alike). */
const MOST_BAN_SHARE = 1.5;
/** How long to look away when nothing is known to open: the present is looked at often, the future never. */
const GLANCE_MS = 50;

/**
 * Greedy on the true present state: who is alive, how fast, how full, banned where, down or not; knows each law of the
 * world (how a rate leads to a ban) but no draw that lies ahead. The bound that every policy is measured against.
 */
export class Oracle implements Player {
  readonly name: string;
  readonly wakesOnRelease = true;
  readonly #world: World;
  readonly #cost: Float64Array;
  readonly #patience: Float64Array;
  #order: Uint32Array;
  #orderedAt = -Infinity;
  #lookedAt = -Infinity;
  #changes = -1;
  readonly #closedUntil: Float64Array;
  /** Targets whose rule it sees. */
  readonly #sees: Uint8Array;

  /** One that `learns` sees a target's rule from that target's first refusal on, as anybody must who is not told of it. */
  constructor(world: World, learns = false) {
    this.name = learns ? 'learning-oracle' : 'oracle';
    this.#world = world;
    this.#sees = new Uint8Array(world.plan.targets).fill(learns ? 0 : 1);
    const { size } = world.fleet;
    this.#cost = new Float64Array(size);
    this.#patience = new Float64Array(size);
    this.#order = Uint32Array.from({ length: size }, (_, row) => row);
    this.#closedUntil = new Float64Array(world.plan.targets);
  }

  choose(request: Request, now: number): number {
    const { target } = request;
    const { sites } = this.#world;
    request.wakeAt = this.#closedUntil[target]!;
    if (request.wakeAt > now) return -1;
    request.wakeAt = sites.upAt(target, now);
    if (request.wakeAt > now) return -1;
    this.#sort(now);
    return this.#best(request, now);
  }

  observe(request: Request, _endpoint: number, sight: Sight): void {
    if (sight === 'throttled' || sight === 'denied') this.#sees[request.target] = 1;
    // A place came free: whoever waits for one may look again.
    if (this.#world.sites.rule(request.target) === undefined) this.#closedUntil[request.target] = 0;
  }

  patienceMs(_request: Request, endpoint: number): number {
    return this.#patience[endpoint]!;
  }

  #best(request: Request, now: number): number {
    const { fleet, sites } = this.#world;
    const { target } = request;
    let best = -1;
    let least = Infinity;
    let opensAt = now + GLANCE_MS;
    for (const row of this.#order) {
      const cost = this.#cost[row]!;
      if (cost >= least) break;
      if (fleet.inFlight[row]! >= fleet.cap[row]! || !fleet.isUp(row, now)) continue;
      const openAt = this.#sees[target] === 1 ? sites.openAt(row, target, now) : now;
      if (openAt > now) {
        opensAt = Math.min(opensAt, openAt);
        continue;
      }
      const risk = this.#sees[target] === 1 ? sites.banRisk(row, target, now) : 0;
      // Beyond the rate that wins most over many bans, waiting is the better use of a pair.
      if (risk > 0 && risk * this.#rateWeight(row, target, risk) > MOST_BAN_SHARE) continue;
      const total = risk === 0 ? cost : cost + risk * sites.banMs(row, target) * BAN_WEIGHT;
      if (total >= least) continue;
      least = total;
      best = row;
    }
    if (best < 0) this.#closedUntil[target] = request.wakeAt = Math.max(opensAt, now + 1);
    return best;
  }

  #rateWeight(row: number, target: number, risk: number): number {
    const hazard = this.#world.sites.rule(target)!.ban!.hazard;
    return ((risk / hazard) * this.#world.sites.banMs(row, target)) / 1_000;
  }

  /** Endpoints by expected time to success, anew when one of them has changed. */
  #sort(now: number): void {
    const { fleet } = this.#world;
    if (now - this.#lookedAt >= GLANCE_MS) {
      fleet.refreshAll(now);
      this.#lookedAt = now;
    }
    const stale = this.#changes !== fleet.changes || (fleet.isDrifting(now) && now - this.#orderedAt > 1_000);
    if (!stale) return;
    for (let row = 0; row < fleet.size; row += 1) this.#price(row, now);
    this.#order.sort((a, b) => this.#cost[a]! - this.#cost[b]!);
    this.#orderedAt = now;
    this.#changes = fleet.changes;
  }

  #price(row: number, now: number): void {
    const { fleet } = this.#world;
    const median = fleet.medianAt(row, now);
    const best = bestPatience(fleet.okAt(row, now), fleet.connectShare[row]!, fleet.hangShare[row]!, fleet.noise[row]!);
    this.#cost[row] = median * best.cost;
    this.#patience[row] = median * best.patience;
  }
}

/** The expected time to success in medians, and the patience in medians at which it is least. */
export function bestPatience(
  ok: number,
  connect: number,
  hang: number,
  noise: number,
): { cost: number; patience: number } {
  let best = { cost: Infinity, patience: 1 };
  for (let patience = 1; patience < 12; patience *= 1.12) {
    const cost = costAt(patience, ok, connect, hang, noise);
    if (cost < best.cost) best = { cost, patience };
  }
  return best;
}

function costAt(patience: number, ok: number, connect: number, hang: number, noise: number): number {
  // A world without noise is one whose optimum can be written down.
  const z = Math.log(patience) / Math.max(noise, 1e-9);
  const inTime = normalCdf(z);
  const part = Math.exp((noise * noise) / 2);
  const answered = part * normalCdf(z - noise) + patience * (1 - inTime);
  const cut = Math.max(0, 1 - connect - hang);
  const failing = connect * CONNECT_PART * part + hang * patience + cut * CUT_PART * part;
  return (ok * answered + (1 - ok) * failing) / (ok * inTime);
}

/** Abramowitz and Stegun 26.2.17: seven digits, which is more than a bound by greed deserves. */
function normalCdf(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(z));
  const tail =
    0.398_942_3 *
    Math.exp((-z * z) / 2) *
    t *
    (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  return z > 0 ? 1 - tail : tail;
}

import { drawAt, exponential, normal, seededRandom, type Random } from '../random.js';
import type { FleetPart, Range, Spread, Trouble, WorldPlan } from './plan.js';

/**
 * The endpoints' true state. What fate does to them (death, exchange of an exit) is drawn by coordinates and brought up
 * to date when an endpoint is looked at, so that it is the same whatever a policy does.
 */
export class Fleet {
  readonly size: number;
  readonly medianMs: Float64Array;
  readonly noise: Float64Array;
  readonly ok: Float64Array;
  readonly cap: Uint16Array;
  readonly inFlight: Uint16Array;
  readonly connectShare: Float64Array;
  readonly hangShare: Float64Array;
  readonly provider: Uint8Array;
  readonly tier: Uint8Array;
  readonly price: Float64Array;
  /** Raised when an endpoint's latency or success is drawn again. */
  changes = 0;
  readonly #up: Uint8Array;
  readonly #deadHangs: Uint8Array;
  readonly #flipAt: Float64Array;
  readonly #flips: Uint32Array;
  readonly #exitAt: Float64Array;
  readonly #degraded: Uint8Array;
  readonly #parts: FleetPart[] = [];
  readonly #seed: number;
  readonly #exchanges: boolean;
  readonly #outage: Extract<Trouble, { kind: 'outage' }> | undefined;
  readonly #degrade: Extract<Trouble, { kind: 'degrade' }> | undefined;

  constructor(plan: WorldPlan, seed: number) {
    const size = plan.fleet.reduce((sum, part) => sum + part.count, 0);
    this.size = size;
    this.#seed = seed;
    this.#exchanges = plan.fleet.some((part) => part.exits !== undefined);
    this.medianMs = new Float64Array(size);
    this.noise = new Float64Array(size);
    this.ok = new Float64Array(size);
    this.cap = new Uint16Array(size);
    this.inFlight = new Uint16Array(size);
    this.connectShare = new Float64Array(size);
    this.hangShare = new Float64Array(size);
    this.provider = new Uint8Array(size);
    this.tier = new Uint8Array(size);
    this.price = new Float64Array(size);
    this.#up = new Uint8Array(size).fill(1);
    this.#deadHangs = new Uint8Array(size);
    this.#flipAt = new Float64Array(size).fill(Infinity);
    this.#flips = new Uint32Array(size);
    this.#exitAt = new Float64Array(size).fill(Infinity);
    this.#degraded = new Uint8Array(size);
    this.#outage = plan.troubles?.find((trouble) => trouble.kind === 'outage');
    this.#degrade = plan.troubles?.find((trouble) => trouble.kind === 'degrade');
    this.#people(plan, seededRandom(seed));
  }

  /** Whether the endpoint carries anything at all at `now`. */
  isUp(row: number, now: number): boolean {
    this.#refresh(row, now);
    return this.#up[row] === 1 && !this.#isSilent(row, now);
  }

  /** Of an endpoint that is down: whether it swallows attempts rather than refuse them. */
  swallows(row: number, now: number): boolean {
    return this.#deadHangs[row] === 1 || this.#isSilent(row, now);
  }

  okAt(row: number, now: number): number {
    const worn = this.#worn(row, now);
    return worn === 0 ? this.ok[row]! : this.ok[row]! * (1 + (this.#degrade!.ok - 1) * worn);
  }

  medianAt(row: number, now: number): number {
    const worn = this.#worn(row, now);
    return worn === 0 ? this.medianMs[row]! : this.medianMs[row]! * (1 + (this.#degrade!.latency - 1) * worn);
  }

  /** Brings every exit up to date, for those who would know of a change without having looked at the endpoint. */
  refreshAll(now: number): void {
    if (!this.#exchanges) return;
    for (let row = 0; row < this.size; row += 1) this.#refresh(row, now);
  }

  /** Whether latency or success moves by the clock, so that an order by cost goes stale. */
  isDrifting(now: number): boolean {
    return this.#degrade !== undefined && now >= this.#degrade.fromMs && now <= this.#degrade.toMs + 1_000;
  }

  /** Turns an endpoint off for ever, for worlds that kill one on purpose. */
  kill(row: number): void {
    this.#up[row] = 0;
    this.#flipAt[row] = Infinity;
  }

  #worn(row: number, now: number): number {
    if (this.#degraded[row] === 0) return 0;
    const { fromMs, toMs } = this.#degrade!;
    return Math.min(1, Math.max(0, (now - fromMs) / (toMs - fromMs)));
  }

  #isSilent(row: number, now: number): boolean {
    const outage = this.#outage;
    return outage !== undefined && now >= outage.fromMs && now < outage.toMs && this.provider[row]! < outage.providers;
  }

  #refresh(row: number, now: number): void {
    while (this.#flipAt[row]! <= now) this.#flip(row);
    while (this.#exitAt[row]! <= now) this.#exchange(row);
  }

  #flip(row: number): void {
    const life = this.#parts[row]!.life!;
    const count = (this.#flips[row]! += 1);
    const up = this.#up[row] === 0;
    this.#up[row] = up ? 1 : 0;
    if (!up) this.#deadHangs[row] = drawAt(this.#seed + 1, row, count) < life.hangShare ? 1 : 0;
    this.#flipAt[row]! += exponential(up ? life.upMs : life.downMs, drawAt(this.#seed + 2, row, count));
  }

  #exchange(row: number): void {
    const part = this.#parts[row]!;
    const count = (this.#flips[row]! += 1);
    this.#character(row, part, seededRandom(Math.floor(drawAt(this.#seed + 3, row, count) * 4_294_967_296)));
    this.#exitAt[row]! += part.exits!.everyMs;
    this.changes += 1;
  }

  #people(plan: WorldPlan, random: Random): void {
    let row = 0;
    for (const part of plan.fleet) {
      for (let index = 0; index < part.count; index += 1, row += 1) this.#settle(row, index, part, random);
    }
    if (this.#degrade === undefined) return;
    const fastest = Array.from(this.medianMs.keys()).sort((a, b) => this.medianMs[a]! - this.medianMs[b]!);
    for (const worn of fastest.slice(0, Math.round(this.size * this.#degrade.share))) this.#degraded[worn] = 1;
  }

  #settle(row: number, index: number, part: FleetPart, random: Random): void {
    this.#parts[row] = part;
    this.noise[row] = part.noise;
    this.cap[row] = Math.round(drawRange(part.cap, random));
    this.connectShare[row] = part.faults.connect;
    this.hangShare[row] = part.faults.hang;
    // Parts without providers belong to one that no outage touches.
    this.provider[row] = part.providers === undefined ? 255 : index % part.providers;
    this.tier[row] = part.tier ?? 0;
    this.price[row] = part.pricePerAttempt ?? 0;
    this.#character(row, part, random);
    if (part.exits !== undefined) this.#exitAt[row] = random() * part.exits.everyMs;
    if (part.life === undefined) return;
    const { upMs, downMs, hangShare } = part.life;
    const up = random() < upMs / (upMs + downMs);
    this.#up[row] = up ? 1 : 0;
    this.#deadHangs[row] = random() < hangShare ? 1 : 0;
    this.#flipAt[row] = exponential(up ? upMs : downMs, random());
  }

  #character(row: number, part: FleetPart, random: Random): void {
    const bad = part.exits !== undefined && random() < part.exits.badShare;
    this.medianMs[row] = drawSpread(part.medianMs, random);
    this.ok[row] = drawRange(bad ? part.exits!.badOk : part.ok, random);
  }
}

export function drawRange({ from, to }: Range, random: Random): number {
  return from + (to - from) * random();
}

function drawSpread({ median, sigma, least, most }: Spread, random: Random): number {
  return Math.min(most, Math.max(least, median * Math.exp(sigma * normal(random))));
}

import { drawAt, exponential, type Random } from '../random.js';
import { drawRange } from './fleet.js';
import type { TargetRule, WorldPlan } from './plan.js';
import type { Reply } from '../reply.js';

/** The horizon over which a target counts a caller's rate. */
const RATE_WINDOW_MS = 10_000;
const MOST_DOUBLINGS = 3;
/** A whole token, less what rounding may take from one that was waited for to the millisecond. */
const TOKEN = 1 - 1e-6;
/** A strike is forgotten after so long. */
const STRIKE_MS = 30_000;

/** What the targets keep about every caller: bans, token buckets, their own outages. */
export class Sites {
  readonly count: number;
  readonly #rules: (TargetRule | undefined)[] = [];
  readonly #perMs: Float64Array;
  readonly #downs: { readonly fromMs: number; readonly toMs: number }[][] = [];
  readonly #errorShare: number;
  readonly #bannedUntil: Float64Array;
  readonly #bans: Uint8Array;
  readonly #rate: Float64Array;
  readonly #seenAt: Float64Array;
  readonly #tokens: Float64Array;
  readonly #strikes: Float64Array;

  constructor(plan: WorldPlan, endpoints: number, seed: number, random: Random) {
    this.count = plan.targets;
    // Pairs of an unruled world need no memory: a list of 100,000 would ask for five million.
    const pairs = plan.rules === undefined ? 0 : endpoints * plan.targets;
    this.#perMs = new Float64Array(plan.targets);
    this.#bannedUntil = new Float64Array(pairs);
    this.#bans = new Uint8Array(pairs);
    this.#rate = new Float64Array(pairs);
    this.#seenAt = new Float64Array(pairs);
    this.#tokens = new Float64Array(pairs).fill(Infinity);
    this.#strikes = new Float64Array(pairs);
    this.#deal(plan, random);
    const down = plan.troubles?.find((trouble) => trouble.kind === 'targets-down');
    this.#errorShare = down?.errorShare ?? 0;
    for (let target = 0; target < plan.targets; target += 1) this.#downs.push([]);
    if (down === undefined) return;
    const falling = Math.round(plan.targets * down.share);
    const spacing = (plan.durationMs - down.lastsMs.to) / falling;
    for (let turn = 0; turn < falling; turn += 1) {
      // In turn, over the popular and the rare alike: target k falls k-th in a fixed shuffle.
      const target = (turn * 7 + Math.floor(drawAt(seed, 77, 0) * plan.targets)) % plan.targets;
      const fromMs = spacing * (turn + 0.5 * random());
      this.#downs[target]!.push({ fromMs, toMs: fromMs + drawRange(down.lastsMs, random) });
    }
  }

  rule(target: number): TargetRule | undefined {
    return this.#rules[target];
  }

  /** The target's own limit for one caller, in requests per second; Infinity without one. */
  limitOf(target: number): number {
    return this.#rules[target]?.bucket === undefined ? Infinity : this.#perMs[target]! * 1_000;
  }

  isDown(target: number, now: number): boolean {
    return this.upAt(target, now) > now;
  }

  /** `now` for a target that answers, else when it will again: a hint when to look, for those that know the present. */
  upAt(target: number, now: number): number {
    for (const { fromMs, toMs } of this.#downs[target]!) if (now >= fromMs && now < toMs) return toMs;
    return now;
  }

  /** When the target would next let this endpoint pass, were nothing else sent. */
  openAt(endpoint: number, target: number, now: number): number {
    const rule = this.#rules[target];
    if (rule === undefined) return now;
    const pair = endpoint * this.count + target;
    if (this.#bannedUntil[pair]! > now) return this.#bannedUntil[pair]!;
    if (rule.bucket === undefined) return now;
    const tokens = this.#tokensAt(pair, target, now);
    return tokens >= TOKEN ? now : now + (1 - tokens) / this.#perMs[target]!;
  }

  /** The chance that one more request now gets the pair banned, and for how long on average. */
  banRisk(endpoint: number, target: number, now: number): number {
    const ban = this.#rules[target]?.ban;
    return ban === undefined ? 0 : Math.min(1, ban.hazard * this.#rateAfter(endpoint * this.count + target, now));
  }

  banMs(endpoint: number, target: number): number {
    const bans = this.#bans[endpoint * this.count + target]!;
    return (this.#rules[target]?.banMs ?? 0) * 2 ** Math.min(bans, MOST_DOUBLINGS);
  }

  /** Lets a request reach the target: counts it, and says what comes back. */
  answer(endpoint: number, target: number, now: number, random: Random, reply: Reply): void {
    reply.kind = 'ok';
    if (this.isDown(target, now)) {
      reply.kind = random() < this.#errorShare ? 'target-error' : 'timeout';
      return;
    }
    const rule = this.#rules[target];
    if (rule === undefined) return;
    const pair = endpoint * this.count + target;
    const shown = rule.ban?.shown ?? 'denied';
    if (this.#bannedUntil[pair]! > now) reply.kind = shown;
    else if (rule.ban !== undefined && random() < this.banRisk(endpoint, target, now)) {
      this.#ban(pair, rule, now, random);
      reply.kind = shown;
    } else if (rule.bucket !== undefined) this.#take(pair, target, rule, now, random, reply);
    this.#rate[pair] = this.#rateAfter(pair, now);
    this.#seenAt[pair] = now;
  }

  #take(pair: number, target: number, rule: TargetRule, now: number, random: Random, reply: Reply): void {
    const bucket = rule.bucket!;
    const tokens = this.#tokensAt(pair, target, now);
    this.#strikes[pair] = Math.max(0, this.#strikes[pair]! - (now - this.#seenAt[pair]!) / STRIKE_MS);
    if (tokens >= TOKEN) {
      this.#tokens[pair] = Math.max(0, tokens - 1);
      return;
    }
    this.#tokens[pair] = tokens;
    reply.kind = 'throttled';
    reply.retryAfterMs = bucket.retryAfter ? Math.ceil((1 - tokens) / this.#perMs[target]! / 1_000) * 1_000 : 0;
    this.#strikes[pair]! += 1;
    if (this.#strikes[pair]! < bucket.strikes) return;
    this.#strikes[pair] = 0;
    this.#ban(pair, rule, now, random);
  }

  #ban(pair: number, rule: TargetRule, now: number, random: Random): void {
    const mean = (rule.banMs ?? 0) * 2 ** Math.min(this.#bans[pair]!, MOST_DOUBLINGS);
    // Between half the mean and a long tail: neither a fixed term nor one that may be nothing.
    this.#bannedUntil[pair] = now + mean / 2 + exponential(mean / 2, random());
    this.#bans[pair]! += 1;
  }

  #tokensAt(pair: number, target: number, now: number): number {
    const burst = this.#rules[target]!.bucket!.burst;
    return Math.min(burst, this.#tokens[pair]! + (now - this.#seenAt[pair]!) * this.#perMs[target]!);
  }

  /** Requests per second, were one more sent now. */
  #rateAfter(pair: number, now: number): number {
    const faded = this.#rate[pair]! * Math.exp((this.#seenAt[pair]! - now) / RATE_WINDOW_MS);
    return faded + 1_000 / RATE_WINDOW_MS;
  }

  #deal(plan: WorldPlan, random: Random): void {
    // By golden-ratio steps, so that every rule gets popular and rare targets alike.
    for (let target = 0; target < this.count; target += 1) {
      let place = (target * 0.618_034 + 0.3) % 1;
      const rule = plan.rules?.find(({ share }) => (place -= share) < 1e-9);
      this.#rules[target] = rule;
      if (rule?.bucket !== undefined) this.#perMs[target] = drawRange(rule.bucket.perSecond, random) / 1_000;
    }
  }
}

import type { Player } from '../player.js';

/** Crawlee's `ProxyTierTracker`, one per host: an error weighs ten requests against its tier. */
export class TierTracker {
  readonly #errors: number[];
  #current = 0;

  constructor(tiers: number) {
    this.#errors = Array.from({ length: tiers }, () => 0);
  }

  addError(tier: number): void {
    this.#errors[tier]! += 10;
  }

  predict(): number {
    const errors = this.#errors;
    for (const [tier, count] of errors.entries()) {
      if (tier !== this.#current && count > 0) errors[tier] = count - 1;
    }
    const here = errors[this.#current]!;
    const left = this.#current > 0 ? errors[this.#current - 1]! : Infinity;
    const right = this.#current < errors.length - 1 ? errors[this.#current + 1]! : Infinity;
    if (here > Math.min(left, right)) this.#current += left <= right ? -1 : 1;
    else if (here === left) this.#current -= 1;
    return this.#current;
  }
}

/** `tieredProxyUrls`: the tier by the tracker, the proxy in it by one counter shared by all tiers. */
export class TierRule {
  readonly #tiers: readonly (readonly number[])[];
  readonly #trackers = new Map<number, TierTracker>();
  #turn = 0;

  constructor(tiers: readonly (readonly number[])[]) {
    this.#tiers = tiers;
  }

  /** `lastTier` is the one that the same request failed on before, if any. */
  next(target: number, lastTier: number | undefined): { readonly tier: number; readonly proxy: number } {
    let tracker = this.#trackers.get(target);
    if (tracker === undefined) this.#trackers.set(target, (tracker = new TierTracker(this.#tiers.length)));
    if (lastTier !== undefined) tracker.addError(lastTier);
    const tier = tracker.predict();
    const members = this.#tiers[tier]!;
    return { tier, proxy: members[this.#turn++ % members.length]! };
  }
}

export function crawleeTiers(tierOf: ArrayLike<number>): Player {
  const tiers: number[][] = [];
  for (let row = 0; row < tierOf.length; row += 1) (tiers[tierOf[row]!] ??= []).push(row);
  const rule = new TierRule(tiers.filter((members) => members.length > 0));
  const last: (number | undefined)[] = [];
  return {
    name: 'crawlee-tiers',
    choose(request) {
      const { tier, proxy } = rule.next(request.target, request.attempts === 0 ? undefined : last[request.slot]);
      last[request.slot] = tier;
      return proxy;
    },
    observe: () => {},
  };
}

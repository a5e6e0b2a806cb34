/** What a run is judged by. */
export class Tally {
  successes = 0;
  /** Requests that ended without what was asked for. */
  failed = 0;
  attempts = 0;
  /** Replies 403 and 429. */
  rejections = 0;
  captchas = 0;
  hedges = 0;
  /** Successes of a session through another exit than its last one. */
  exitChanges = 0;
  slotMs = 0;
  readonly perSecond: Uint32Array;
  readonly servedByTarget: Uint32Array;
  readonly attemptsByTier = new Uint32Array(8);
  #times = new Float64Array(4096);

  constructor(durationMs: number, targets: number) {
    this.perSecond = new Uint32Array(Math.ceil(durationMs / 1_000) + 1);
    this.servedByTarget = new Uint32Array(targets);
  }

  success(target: number, tookMs: number, now: number): void {
    if (this.successes === this.#times.length) {
      const larger = new Float64Array(this.#times.length * 2);
      larger.set(this.#times);
      this.#times = larger;
    }
    this.#times[this.successes] = tookMs;
    this.successes += 1;
    this.perSecond[Math.floor(now / 1_000)]! += 1;
    this.servedByTarget[target]! += 1;
  }

  /** Nearest-rank quantiles of the time from request to success. */
  quantiles(...shares: readonly number[]): number[] {
    const sorted = this.#times.slice(0, this.successes).sort();
    return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN);
  }

  /** Successes from second `from` to second `to`, the latter left out. */
  between(from: number, to: number): number {
    let sum = 0;
    for (let second = from; second < to; second += 1) sum += this.perSecond[second] ?? 0;
    return sum;
  }
}

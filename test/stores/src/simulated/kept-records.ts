/** The other records as the simulated server keeps them: each for a time. */
export class KeptRecords {
  readonly #records = new Map<string, { readonly until: number; readonly since: number; readonly record: string }>();

  has(name: string): boolean {
    return this.#records.has(name);
  }

  push(name: string, lifeMs: number, record: string, now: number): void {
    if (lifeMs <= 0) this.#records.delete(name);
    else this.#records.set(name, { until: now + lifeMs, since: now, record });
  }

  /** Name, age and record of each that still counts, as `load` answers. */
  read(now: number): string[] {
    return [...this.#records].flatMap(([name, { until, since, record }]) =>
      until > now ? [name, String(Math.round(now - since)), record] : [],
    );
  }
}

interface Kept {
  readonly numbers: readonly number[];
  readonly since: number;
}

/** Endpoint records as the simulated server keeps them, by bucket and name. */
export class KeptEndpoints {
  readonly #buckets = new Map<string, Map<string, Kept>>();

  get attempts(): number {
    let sum = 0;
    for (const records of this.#buckets.values()) for (const { numbers } of records.values()) sum += numbers[0]!;
    return sum;
  }

  /** Adds a row as a push does: counts add up, masses fade and add up, the rest is replaced. */
  add(bucket: string, row: readonly string[], tauMs: number, now: number): void {
    const [name = '', ...words] = row;
    const numbers = words.map(Number);
    const known = this.#buckets.get(bucket)?.get(name);
    if (known !== undefined) {
      const fade = Math.exp((known.since - now) / tauMs);
      numbers[0] = numbers[0]! + known.numbers[0]!;
      for (const mass of [1, 2]) numbers[mass] = numbers[mass]! + known.numbers[mass]! * fade;
    }
    this.#put(bucket, name, numbers, now);
  }

  /** Puts a row where there is none. */
  restore(bucket: string, row: readonly string[], now: number): void {
    const [name = '', ...words] = row;
    if (this.#buckets.get(bucket)?.has(name) !== true) this.#put(bucket, name, [0, ...words.slice(1).map(Number)], now);
  }

  /** The records of a bucket as `load` answers them. */
  read(bucket: string, now: number): string[] {
    return [...(this.#buckets.get(bucket) ?? [])].flatMap(([name, { numbers, since }]) => {
      const [attempts, success, failure, latency, limit, spells, misses, flags, active, coolUntil] = numbers;
      const learned = [latency, limit, spells, misses, flags, active];
      const coolMs = Math.max(0, coolUntil! - now);
      return [name, ...[attempts, success, failure, now - since, ...learned, coolMs].map((value) => value!.toFixed(3))];
    });
  }

  #put(bucket: string, name: string, numbers: readonly number[], now: number): void {
    const records = this.#buckets.get(bucket) ?? new Map<string, Kept>();
    const cool = numbers[9]!;
    records.set(name, { numbers: [...numbers.slice(0, 9), cool > 0 ? now + cool : 0], since: now });
    this.#buckets.set(bucket, records);
  }
}

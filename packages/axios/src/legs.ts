import type { Lease, Run } from '@fairlead/core';

/** One attempt under way. */
export interface Leg<T> {
  readonly lease: Lease;
  /** Never rejects. */
  readonly back: Promise<T>;
  /** Another leg was faster. */
  cancel(): void;
}

/** A leg that is back. */
export class Back<T> {
  readonly lease: Lease;
  readonly result: T;

  constructor(lease: Lease, result: T) {
    this.lease = lease;
    this.result = result;
  }
}

/** The attempts of one run that are under way: mostly one, more at once where the policy races or hedges. */
export class Legs<T> {
  readonly #run: Run;
  readonly #send: (lease: Lease) => Leg<T>;
  readonly #during: (wait: Promise<Lease>) => Promise<Lease>;
  readonly #out = new Set<Leg<T>>();
  /** The leg that company was last asked for: once each. */
  #accompanied: Leg<T> | undefined;

  /** `during` is told of each wait in line. */
  constructor(run: Run, send: (lease: Lease) => Leg<T>, during: (wait: Promise<Lease>) => Promise<Lease>) {
    this.#run = run;
    this.#send = send;
    this.#during = during;
  }

  get size(): number {
    return this.#out.size;
  }

  /** The first that is back; sends one where none is under way, and company for one that is late. */
  async first(): Promise<Back<T>> {
    if (this.#out.size === 0) {
      const taken = this.#run.take();
      this.#out.add(this.#send(taken instanceof Promise ? await this.#during(taken) : taken));
      if (this.#run.raceWidth > 1) while (await this.#accompany('race'));
    }
    for (;;) {
      const leg = await this.#firstBack();
      if (leg !== undefined) {
        this.#out.delete(leg);
        return new Back(leg.lease, await leg.back);
      }
      await this.#accompany('hedge');
    }
  }

  cancelRest(): void {
    for (const leg of this.#out) leg.cancel();
    this.#out.clear();
  }

  async #accompany(why: 'race' | 'hedge'): Promise<boolean> {
    const lease = await this.#run.beside(why);
    if (lease !== undefined) this.#out.add(this.#send(lease));
    return lease !== undefined;
  }

  /** Undefined: the newest is late. */
  async #firstBack(): Promise<Leg<T> | undefined> {
    const legs = [...this.#out];
    const newest = legs.at(-1)!;
    const wait = newest === this.#accompanied ? Number.POSITIVE_INFINITY : this.#run.hedgeAfterMs(newest.lease);
    const alone = wait === Number.POSITIVE_INFINITY;
    if (alone && legs.length === 1) return newest;
    const backs: Promise<Leg<T> | undefined>[] = legs.map((leg) => leg.back.then(() => leg));
    if (alone) return Promise.race(backs);
    this.#accompanied = newest;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, wait, undefined);
    });
    return Promise.race([...backs, late]).finally(() => clearTimeout(timer));
  }
}

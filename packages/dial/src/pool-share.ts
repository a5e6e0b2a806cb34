import type { EndpointId, Pool } from '@fairlead/core';
import { PoolTraffic } from './pool-traffic.js';
import type { Tracker } from './traffic.js';

/** Connections that are kept for a pool. */
export interface Kept {
  /** An endpoint that leaves the pool takes its connections along. */
  retire(endpoint: EndpointId): void;
  close(): void;
}

interface Terms {
  readonly traffic?: Tracker;
}

/** Part in what is kept. */
export interface Share<T extends Kept> {
  readonly kept: T;
  /** Lets go of it; the last one out closes it. */
  release(): void;
}

interface Entry<T extends Kept> {
  readonly terms: object;
  readonly kept: T;
  sharers: number;
  readonly off: () => void;
}

/**
 * What one adapter keeps for pools: once for each pool and options, however many clients are made over it. They have the use of
 * one another's connections, and the pool has one listener.
 */
export class PoolShares<T extends Kept, O extends Terms> {
  readonly #make: (options: O & { readonly traffic: Tracker }) => T;
  readonly #entries = new WeakMap<Pool, Entry<T>[]>();

  constructor(make: (options: O & { readonly traffic: Tracker }) => T) {
    this.#make = make;
  }

  share(pool: Pool, options: O): Share<T> {
    const entries = this.#entries.get(pool) ?? [];
    this.#entries.set(pool, entries);
    let entry = entries.find(({ terms }) => alike(terms, options));
    if (entry === undefined) entries.push((entry = this.#open(pool, options)));
    entry.sharers += 1;
    return { kept: entry.kept, release: once(() => this.#release(entries, entry)) };
  }

  #open(pool: Pool, options: O): Entry<T> {
    const traffic = new PoolTraffic(pool, options.traffic);
    const kept = this.#make({ ...options, traffic });
    const settled = pool.on('settled', ({ endpoint }) => traffic.tell(endpoint));
    const removed = pool.on('removed', ({ endpoint }) => kept.retire(endpoint.id));
    const closed = pool.on('closed', () => kept.close());
    const off = (): void => {
      settled();
      removed();
      closed();
    };
    return { terms: options, kept, sharers: 0, off };
  }

  #release(entries: Entry<T>[], entry: Entry<T>): void {
    entry.sharers -= 1;
    if (entry.sharers > 0) return;
    entries.splice(entries.indexOf(entry), 1);
    entry.off();
    entry.kept.close();
  }
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

/** The same values under the same names, and in plain objects too, such as the options of TLS. */
function alike(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isPlain(one) || !isPlain(other)) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => alike(one[name], other[name]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

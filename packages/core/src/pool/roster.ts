import type { Endpoint, EndpointId } from '../endpoint.js';
import type { Row, RowSpec } from '../kernel/table.js';
import type { LeaseRequest } from './request.js';

/** The kernel compares tags as bits of one word; words beyond these are looked up by name. */
const MOST_BITS = 31;

/** What a request asks of an endpoint, as the kernel takes it. */
export interface Matcher {
  readonly tags: number;
  readonly allowed: ((row: Row) => boolean) | undefined;
}

const ANY: Matcher = Object.freeze({ tags: 0, allowed: undefined });

/** Which endpoint lives in which row of the kernel, and what its tags are as bits. */
export class Roster {
  readonly #rows = new Map<EndpointId, Row>();
  readonly #endpoints: (Endpoint | undefined)[] = [];
  readonly #bits = new Map<string, number>();

  get size(): number {
    return this.#rows.size;
  }

  has(id: EndpointId): boolean {
    return this.#rows.has(id);
  }

  rowOf(id: EndpointId): Row | undefined {
    return this.#rows.get(id);
  }

  at(row: Row): Endpoint {
    const endpoint = this.#endpoints[row];
    if (endpoint === undefined) throw new RangeError(`row ${row} is empty`);
    return endpoint;
  }

  put(row: Row, endpoint: Endpoint): void {
    this.#rows.set(endpoint.id, row);
    this.#endpoints[row] = endpoint;
  }

  /** The id is gone; the row still answers for its open leases. */
  forget(id: EndpointId): void {
    this.#rows.delete(id);
  }

  clear(row: Row): void {
    this.#endpoints[row] = undefined;
  }

  specOf({ weight, tier, maxInFlight, tags }: Endpoint): RowSpec {
    return { weight, tier, maxInFlight, tags: tags.reduce((bits, tag) => bits | this.#bitOf(tag), 0) };
  }

  matcherOf({ tags }: LeaseRequest): Matcher {
    if (tags === undefined || tags.length === 0) return ANY;
    if (tags.every((tag) => this.#bits.has(tag))) {
      return { tags: tags.reduce((bits, tag) => bits | this.#bitOf(tag), 0), allowed: undefined };
    }
    return { tags: 0, allowed: (row) => hasAll(this.at(row), tags) };
  }

  /** Whether anything here could carry the request, now or later. */
  some(accepts: (endpoint: Endpoint, row: Row) => boolean): boolean {
    for (const row of this.#rows.values()) if (accepts(this.at(row), row)) return true;
    return false;
  }

  *[Symbol.iterator](): IterableIterator<[Endpoint, Row]> {
    for (const row of this.#rows.values()) yield [this.at(row), row];
  }

  #bitOf(tag: string): number {
    const known = this.#bits.get(tag);
    if (known !== undefined) return known;
    if (this.#bits.size >= MOST_BITS) return 0;
    const bit = 1 << this.#bits.size;
    this.#bits.set(tag, bit);
    return bit;
  }
}

export function hasAll({ tags: own }: Endpoint, wanted: readonly string[]): boolean {
  return wanted.every((tag) => own.includes(tag));
}

import type { Endpoint, EndpointId } from '../endpoint.js';
import type { Row, RowSpec } from '../kernel/table.js';
import { wordsAsked, wordsOf, type LeaseRequest } from './request.js';

/** The kernel compares tags as bits of one word; words beyond these are looked up by name. */
const MOST_BITS = 31;

/** What a request asks of an endpoint, as the kernel takes it. */
export interface Matcher {
  readonly tags: number;
  readonly allowed: ((row: Row) => boolean) | undefined;
  /** The same as words, for who looks at endpoints one by one. */
  readonly words: readonly string[];
}

const ANY: Matcher = Object.freeze({ tags: 0, allowed: undefined, words: [] });

/** Which endpoint lives in which row of the kernel, and what its tags are as bits. */
export class Roster {
  readonly #rows = new Map<EndpointId, Row>();
  readonly #endpoints: (Endpoint | undefined)[] = [];
  readonly #words: (readonly string[])[] = [];
  readonly #bits = new Map<string, number>();
  /** By row, the how-manieth that has come; an endpoint that left and came again has another. */
  readonly #arrivals: number[] = [];
  #arrived = 0;

  /** Holds for every request beside what it asks: which rows may be used at this moment. */
  gate: ((row: Row) => boolean) | undefined;

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
    if (!this.#rows.has(endpoint.id)) this.#arrivals[row] = this.#arrived += 1;
    this.#rows.set(endpoint.id, row);
    this.#endpoints[row] = endpoint;
    this.#words[row] = wordsOf(endpoint);
  }

  /** Tells the endpoint of a row from the one of the same id that left before. */
  arrivalOf(row: Row): number {
    return this.#arrivals[row]!;
  }

  /** The id is gone; the row still answers for its open leases. */
  forget(id: EndpointId): void {
    this.#rows.delete(id);
  }

  clear(row: Row): void {
    this.#endpoints[row] = undefined;
    this.#words[row] = [];
  }

  specOf(endpoint: Endpoint): RowSpec {
    const { weight, tier, maxInFlight } = endpoint;
    return { weight, tier, maxInFlight, tags: wordsOf(endpoint).reduce((bits, word) => bits | this.#bitOf(word), 0) };
  }

  matcherOf(request: LeaseRequest): Matcher {
    const words = wordsAsked(request);
    if (words.length === 0) return ANY;
    if (words.every((word) => this.#bits.has(word))) {
      return { tags: words.reduce((bits, word) => bits | this.#bitOf(word), 0), allowed: undefined, words };
    }
    return { tags: 0, allowed: (row) => this.answersTo(row, words), words };
  }

  /** What the request allows, where the gate lets it through. */
  allowedBy({ allowed }: Matcher): ((row: Row) => boolean) | undefined {
    const { gate } = this;
    if (gate === undefined || allowed === undefined) return gate ?? allowed;
    return (row) => allowed(row) && gate(row);
  }

  answersTo(row: Row, words: readonly string[]): boolean {
    return words.every((word) => this.#words[row]!.includes(word));
  }

  /** Whether anything here could carry the request, now or later. */
  some(accepts: (endpoint: Endpoint, row: Row) => boolean): boolean {
    for (const row of this.#rows.values()) if (accepts(this.at(row), row)) return true;
    return false;
  }

  *[Symbol.iterator](): IterableIterator<[Endpoint, Row]> {
    for (const row of this.#rows.values()) yield [this.at(row), row];
  }

  #bitOf(word: string): number {
    const known = this.#bits.get(word);
    if (known !== undefined) return known;
    if (this.#bits.size >= MOST_BITS) return 0;
    const bit = 1 << this.#bits.size;
    this.#bits.set(word, bit);
    return bit;
  }
}

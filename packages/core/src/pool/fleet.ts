import type { Endpoint, EndpointId } from '../endpoint.js';
import { addRow, createTable, retireRow, vacateRow, type Row, type Table } from '../kernel/table.js';

/** Which endpoint lives in which row of the kernel's table, and the limits the ledger is given for it. */
export class Fleet {
  readonly table: Table = createTable();
  limits: Float64Array = new Float64Array(64);
  readonly #rows = new Map<EndpointId, Row>();
  readonly #endpoints: (Endpoint | undefined)[] = [];

  /** False when an endpoint of that id is there already. */
  add(endpoint: Endpoint): boolean {
    if (this.#rows.has(endpoint.id)) return false;
    const row = addRow(this.table, endpoint);
    if (row >= this.limits.length) this.limits = larger(this.limits);
    this.limits[row] = endpoint.maxInFlight;
    this.#rows.set(endpoint.id, row);
    this.#endpoints[row] = endpoint;
    return true;
  }

  /** The endpoint is not chosen again; its row is kept until `vacate`. */
  retire(id: EndpointId): Row | undefined {
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    this.#rows.delete(id);
    retireRow(this.table, row);
    return row;
  }

  isRetired(row: Row): boolean {
    return this.table.present[row] === 0;
  }

  vacate(row: Row): void {
    this.#endpoints[row] = undefined;
    vacateRow(this.table, row);
  }

  rowOf(id: EndpointId): Row | undefined {
    return this.#rows.get(id);
  }

  at(row: Row): Endpoint {
    const endpoint = this.#endpoints[row];
    if (endpoint === undefined) throw new RangeError(`row ${row} is empty`);
    return endpoint;
  }

  get size(): number {
    return this.#rows.size;
  }

  *[Symbol.iterator](): IterableIterator<Endpoint> {
    for (const row of this.#rows.values()) yield this.at(row);
  }
}

function larger(limits: Float64Array): Float64Array {
  const next = new Float64Array(limits.length * 2);
  next.set(limits);
  return next;
}

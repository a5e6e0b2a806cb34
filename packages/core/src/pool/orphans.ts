import type { BlockRecord, EndpointRecord, PaceRecord, PinRecord, SoftRecord } from '../ports/soft-record.js';

/** What is kept of an endpoint that is not in the pool. */
type OrphanRecord = EndpointRecord | BlockRecord | PaceRecord | PinRecord;

/** Lists of proxies come and go; what was learned of one waits this long for its return. */
const KEPT_MS = 7 * 24 * 3_600_000;
/** Endpoints remembered so; the longest known is forgotten first. */
const MOST = 1_000_000;

/** Records of endpoints that are not in the pool now. */
export class Orphans {
  readonly #byKey = new Map<string, Map<string, OrphanRecord>>();
  /** The endpoint of each session among them. */
  readonly #keyOf = new Map<string, string>();

  put(record: OrphanRecord): void {
    if (record.kind === 'pin') {
      this.dropPin(record.session);
      this.#keyOf.set(record.session, record.key);
    }
    const records = this.#byKey.get(record.key) ?? new Map<string, OrphanRecord>();
    records.set(nameOf(record), record);
    if (this.#byKey.size >= MOST && !this.#byKey.has(record.key)) this.#forgetOldest();
    this.#byKey.set(record.key, records);
  }

  /** Hands over what is known of the endpoint. */
  take(key: string): Iterable<OrphanRecord> {
    const records = [...(this.#byKey.get(key)?.values() ?? [])];
    this.#byKey.delete(key);
    for (const record of records) if (record.kind === 'pin') this.#keyOf.delete(record.session);
    return records;
  }

  /** The session has another endpoint now, or none. */
  dropPin(session: string): void {
    const key = this.#keyOf.get(session);
    if (key === undefined) return;
    this.#keyOf.delete(session);
    this.#byKey.get(key)?.delete(`pin ${session}`);
  }

  /** What is still worth keeping. */
  *records(wallNow: number): Generator<SoftRecord> {
    for (const [key, records] of this.#byKey) {
      for (const [name, record] of records) {
        if (wallNow - record.at > KEPT_MS) this.#drop(records, name, record);
        else yield record;
      }
      if (records.size === 0) this.#byKey.delete(key);
    }
  }

  #drop(records: Map<string, OrphanRecord>, name: string, record: OrphanRecord): void {
    records.delete(name);
    if (record.kind === 'pin') this.#keyOf.delete(record.session);
  }

  #forgetOldest(): void {
    const [oldest] = this.#byKey.keys();
    if (oldest !== undefined) this.take(oldest);
  }
}

function nameOf(record: OrphanRecord): string {
  if (record.kind === 'pin') return `pin ${record.session}`;
  return record.kind === 'endpoint' ? 'endpoint' : `${record.kind} ${record.target}`;
}

import type { Endpoint } from '../endpoint.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Row } from '../kernel/table.js';
import type { Clock, Instant } from '../ports/clock.js';
import type { Ledger } from '../ports/ledger.js';
import type { Random } from '../ports/random.js';
import type { Records, StoreReport } from '../ports/records.js';
import type { SoftRecord } from '../ports/soft-record.js';
import { ChangeNotes, noting } from './change-notes.js';
import type { Target } from '../target.js';
import { mergeRow, type Gained } from '../kernel/portable.js';
import { endpointKey } from './endpoint-key.js';
import { Gains } from './gains.js';
import { Orphans } from './orphans.js';
import type { Roster } from './roster.js';
import { SoftImage } from './soft-image.js';
import { SoftRestore } from './soft-restore.js';

/** Changes are gathered for so long: a busy endpoint costs one record a second, and a crash loses at most that much. */
const GATHER_MS = 1_000;
/** Where others wait to hear of it: with the second that they take to ask it is told within one and a half. */
const SHARED_GATHER_MS = 300;
/** Records of each kind in one batch: some milliseconds of work. */
const BATCH = 1_000;
/** What all endpoints are like together changes slowly. */
const FLEET_MS = 30_000;

const NOTHING_GAINED: Gained = Object.freeze({ attempts: 0, success: 0, failure: 0 });

interface LinkParts {
  readonly kernel: Kernel;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly random: Random;
  report(report: StoreReport): void;
  /** What was kept is back: whoever waited for it may go on. */
  opened(error?: Error): void;
  /** Others who share the store have told something. */
  readonly heard: {
    suspension(target: Target, until: Instant, why: string): void;
    /** All that they told at once has been taken in. */
    all(): void;
  };
  /** Its next moment has moved. */
  reschedule(): void;
}

/** Between a pool and the records that outlive it: what changed goes out, what was kept comes in. */
export class RecordsLink {
  readonly #records: Records;
  readonly #notes = new ChangeNotes();
  readonly #orphans = new Orphans();
  readonly #keys: (string | undefined)[] = [];
  readonly #rows = new Map<string, Row>();
  /** Where others hear of it: what this worker has seen itself. */
  readonly #gains: Gains | undefined;
  #ledger!: Ledger;
  #parts!: LinkParts;
  #image!: SoftImage;
  #restore!: SoftRestore;
  #key: string | undefined;
  #opening: Promise<void> = Promise.resolve();
  #pushing: Promise<void> | undefined;
  #gatheredSince: Instant = Number.POSITIVE_INFINITY;
  #fleetAt: Instant = 0;

  constructor(records: Records, isShared: boolean) {
    this.#records = records;
    this.#gains = isShared ? new Gains() : undefined;
  }

  /** The name of the row's endpoint in stored and shared state. */
  keyOf(row: Row): string | undefined {
    return this.#keys[row];
  }

  rowOf(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  /** The ledger as the pool is to use it. */
  watch(ledger: Ledger): Ledger {
    this.#ledger = ledger;
    return noting(ledger, this.#notes, () => this.#gather());
  }

  /** Begins to read what was kept. */
  start(parts: LinkParts): void {
    const { kernel, clock, roster } = parts;
    const orphans = this.#orphans;
    this.#parts = parts;
    const keyOf = (row: Row) => this.#keys[row];
    const gains = this.#gains;
    const rows = () => this.#rows.values();
    this.#image = new SoftImage({ kernel, ledger: this.#ledger, clock, keyOf, rows, gains });
    const rowOf = (key: string) => this.#rows.get(key);
    this.#restore = new SoftRestore({ kernel, ledger: this.#ledger, clock, rowOf, orphans });
    this.#opening = this.#open(roster);
    this.#opening.then(
      () => parts.opened(),
      (error: Error) => parts.opened(error),
    );
  }

  /** Resolves once what was kept is back. */
  ready(): Promise<void> {
    return this.#opening;
  }

  /** When the link wants to be called. */
  get dueAt(): Instant {
    if (this.#pushing !== undefined || this.#key === undefined) return Number.POSITIVE_INFINITY;
    return this.#gatheredSince + (this.#gains === undefined ? GATHER_MS : SHARED_GATHER_MS);
  }

  /** An attempt through the row on the target ended. */
  settled(row: Row, target: number): void {
    this.#notes.rows.add(row);
    this.#gains?.attempt(row);
    const { key, intervalMs } = this.#parts.kernel.state.targets.states[target]!;
    if (intervalMs > 0) this.#notes.targets.add(key);
    this.#gather();
  }

  blocked(endpoint: Endpoint['id'], target: string): void {
    const row = this.#parts.roster.rowOf(endpoint);
    if (row !== undefined) this.#notes.block(row, target);
    this.#gather();
  }

  paced(target: string): void {
    this.#notes.targets.add(target);
    this.#gather();
  }

  joined(row: Row, endpoint: Endpoint): void {
    if (this.#key === undefined) return;
    const key = endpointKey(this.#key, endpoint);
    this.#keys[row] = key;
    this.#rows.set(key, row);
    this.#restore.joined(row, key);
    this.#gains?.begin(this.#parts.kernel.state, row, this.#parts.clock.now());
  }

  /** The endpoint leaves; what is known of it waits for its return. */
  leaving(row: Row): void {
    const key = this.#keys[row];
    if (key === undefined) return;
    for (const record of this.#image.leaving(row)) this.#orphans.put(record);
    this.#notes.forgetRow(row);
    this.#gains?.forget(row);
    this.#keys[row] = undefined;
    this.#rows.delete(key);
  }

  tick(now: Instant): void {
    if (now < this.dueAt) return;
    // What a store does not take now stays noted: ten changes of a thing are still one record of it when it does.
    if (this.#records.takes === false) {
      this.#gatheredSince = now;
      return;
    }
    this.#pushing = this.#pushAll(now).finally(() => {
      this.#pushing = undefined;
      this.#parts.reschedule();
    });
  }

  /** Writes down what is still noted and lets go of the store. */
  async close(): Promise<void> {
    await this.#opening.catch(() => undefined);
    await this.#pushing;
    if (this.#key !== undefined) await this.#pushAll(this.#parts.clock.now());
    await this.#records.close();
  }

  #gather(): void {
    if (this.#gatheredSince !== Number.POSITIVE_INFINITY) return;
    this.#gatheredSince = this.#parts.clock.now();
    this.#parts.reschedule();
  }

  async #open(roster: Roster): Promise<void> {
    const { clock, random, report } = this.#parts;
    const image = () => this.#all();
    const { key, saved } = await this.#records.open({
      clock,
      random,
      report,
      image,
      receive: (told) => this.#receive(told),
    });
    for (const [endpoint, row] of roster) {
      const name = endpointKey(key, endpoint);
      this.#keys[row] = name;
      this.#rows.set(name, row);
    }
    this.#key = key;
    for await (const portion of saved) for (const record of portion) this.#restore.restore(record);
    for (const row of this.#rows.values()) this.#gains?.begin(this.#parts.kernel.state, row, clock.now());
    this.#fleetAt = clock.now();
  }

  /** What others have learned is added to what is known here, and is not told again. */
  #receive(told: readonly SoftRecord[]): void {
    const { kernel, clock, heard } = this.#parts;
    for (const record of told) {
      if (record.kind === 'endpoint') {
        const row = this.#rows.get(record.key);
        if (row === undefined) continue;
        // What is read anew, because too much was missed to hear it, is no gain; but what rests is to rest here too.
        const { gained = NOTHING_GAINED } = record;
        const coolMs = Math.max(0, record.coolMs - Math.max(0, clock.wallNow() - record.at));
        mergeRow(kernel.state, row, { ...record, coolMs }, gained, clock.now());
        this.#gains?.merged(row, gained);
      } else if (record.kind === 'suspension') {
        const elapsed = Math.max(0, clock.wallNow() - record.at);
        heard.suspension(record.target as Target, clock.now() + record.forMs - elapsed, record.why);
      } else {
        this.#restore.heard(record);
      }
    }
    heard.all();
  }

  *#all(): Generator<SoftRecord> {
    yield* this.#image.all();
    yield* this.#orphans.records(this.#parts.clock.wallNow());
  }

  async #pushAll(now: Instant): Promise<void> {
    this.#gatheredSince = Number.POSITIVE_INFINITY;
    if (now - this.#fleetAt >= FLEET_MS) {
      this.#fleetAt = now;
      await this.#records.push([this.#image.fleet()]);
    }
    // A session that has another endpoint now is not to get back the one it had before that came again.
    for (const session of this.#notes.sessions) this.#orphans.dropPin(session);
    // As many as there are now: what is noted meanwhile has its own time to be gathered in.
    for (let left = Math.ceil(this.#notes.most / BATCH); left > 0 && this.#notes.size > 0; left -= 1) {
      await this.#records.push([...this.#image.taken(this.#notes, BATCH)]);
    }
    if (this.#notes.size > 0) this.#gather();
  }
}

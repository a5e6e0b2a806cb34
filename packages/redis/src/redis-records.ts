import {
  FairleadError,
  type EndpointRecord,
  type OpenedRecords,
  type Records,
  type RecordsContext,
  type SoftRecord,
} from '@fairlead/core';
import type { Peers } from './alone.js';
import { refusal } from './checks.js';
import type { RedisLink } from './redis-link.js';
import { endpointOf, readBatch, writeBatch } from './soft-rows.js';
import type { RedisPort } from './port/redis-port.js';
import type { Standing } from './standing.js';
import type { WakingClock } from './waking-clock.js';

export interface RecordsOptions {
  readonly worker: string;
  /** Key of the hashes that name endpoints. */
  readonly key: string;
  readonly pullMs: number;
  readonly startMs: number;
  readonly silenceMs: number;
  /** Time constant of the masses. */
  readonly tauMs: number;
  readonly clock: WakingClock;
}

const MOST_ENTRIES = 200;
const PORTION = 400;
const LOOK_MS = 20;

interface Batch {
  readonly sequence: number;
  readonly records: readonly SoftRecord[];
}

/** Soft state that workers share: each tells what it learned, and hears what others did about once a second. */
export class RedisRecords implements Records {
  readonly #port: RedisPort;
  readonly #links: readonly RedisLink[];
  /** Records are few beside admissions: the first shard has them all. */
  readonly #link: RedisLink;
  readonly #peers: Peers;
  readonly #standing: Standing;
  readonly #options: RecordsOptions;
  readonly #batches: Batch[] = [];
  #context!: RecordsContext;
  #sequence = 0;
  /** Of which the store has what this worker has learned. */
  #toldEpoch = '';
  #last = '0';
  #pushing: Promise<void> | undefined;
  #cancelPull: (() => void) | undefined;
  #closed = false;

  constructor(port: RedisPort, links: readonly RedisLink[], peers: Peers, standing: Standing, options: RecordsOptions) {
    this.#standing = standing;
    this.#port = port;
    this.#links = links;
    this.#link = links[0]!;
    this.#peers = peers;
    this.#options = options;
  }

  async open(context: RecordsContext): Promise<OpenedRecords> {
    this.#context = { ...context, clock: this.#options.clock.follow(context.clock) };
    await this.#reached();
    this.#toldEpoch = this.#link.epoch;
    return { key: this.#options.key, saved: this.#asItStands(this.#load()) };
  }

  /** One batch on its way is enough: while the store is out of reach the pool gathers what there is to tell. */
  get takes(): boolean {
    return this.#batches.length === 0;
  }

  /** True once it is with the store. A batch whose answer was lost is sent again under its number, and counted once. */
  async push(records: readonly SoftRecord[]): Promise<boolean> {
    if (records.length === 0) return true;
    this.#sequence += 1;
    const batch = { sequence: this.#sequence, records };
    this.#batches.push(batch);
    await this.#pushSoon();
    return !this.#batches.includes(batch);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPull?.();
    await this.#pushing;
    await this.#pushAll();
    const { worker } = this.#options;
    for (const link of this.#links) {
      await link.run('leave', [link.keys.workers], [worker]);
      link.close();
    }
    await this.#port.close();
  }

  /** Waits until the store is there, for so long; then the pool hears that it is not, and why as far as anybody says. */
  async #reached(): Promise<void> {
    const { clock } = this.#context;
    const until = clock.now() + this.#options.startMs;
    while (this.#links.some(({ state }) => state !== 'up')) {
      const unfit = this.#links.find(({ unfit }) => unfit !== undefined)?.unfit;
      if (unfit !== undefined) throw refusal(unfit);
      const trouble = this.#port.trouble?.();
      if (trouble instanceof FairleadError) throw trouble;
      const whys = [...this.#links.map(({ why }) => why), codeOf(trouble)];
      const said = [...new Set(whys.filter(Boolean))].join(', ');
      // Time does not help whom the server does not know.
      if (clock.now() >= until || /NOPERM|NOAUTH|WRONGPASS/.test(said)) throw unreachable(said);
      await new Promise<void>((resolve) => clock.schedule(clock.now() + LOOK_MS, resolve));
    }
  }

  async *#load(): AsyncIterable<readonly SoftRecord[]> {
    const { keys } = this.#link;
    const wallNow = this.#wallNow;
    for (const bucket of [...keys.buckets, keys.others]) {
      let cursor = '0';
      do {
        const reply = await this.#link.run('load', [keys.feed, bucket], [cursor, String(PORTION)]);
        // What is not read now comes as others speak of it.
        if (!reply.ok) break;
        const [next, newest, ...values] = reply.value.map(String);
        cursor = next ?? '0';
        // From before the first portion: what is told meanwhile is heard again, and harms nothing.
        if (this.#last === '0') this.#last = newest ?? '0';
        yield bucket === keys.others ? readOthers(values, wallNow()) : endpointsOf(values, wallNow());
      } while (cursor !== '0');
    }
    this.#pullSoon(0);
  }

  async #pushAll(): Promise<void> {
    await this.#tellAnew();
    while (this.#batches.length > 0) {
      const batch = this.#batches[0]!;
      const records = await this.#standing.corrected(batch.records);
      const { keys, epoch } = this.#link;
      const { names, args, feed } = writeBatch(keys, records);
      const fixed = [keys.meta, keys.sequences, keys.feed, keys.others, keys.workers];
      const head = [epoch, this.#options.worker, String(batch.sequence), String(this.#options.tauMs), feed];
      const reply = await this.#link.run('push', [...fixed, ...names], [...head, ...args]);
      if (!reply.ok) return;
      if (reply.value[0] === 'epoch') return this.#link.epochChanged();
      if (this.#batches[0] === batch) this.#batches.shift();
    }
  }

  /** A store that has lost its data learns again what newcomers are to find there. */
  async #tellAnew(): Promise<void> {
    const { epoch, keys, state } = this.#link;
    if (epoch === this.#toldEpoch || state !== 'up') return;
    let portion: SoftRecord[] = [];
    const send = async (): Promise<boolean> => {
      const { names, args } = writeBatch(keys, portion);
      portion = [];
      const reply = await this.#link.run('restore', [keys.meta, keys.others, ...names], [epoch, ...args]);
      return reply.ok && reply.value[0] === 'ok';
    };
    for (const record of this.#context.image()) {
      portion.push(record);
      // The next time it is pushed or pulled it is tried anew.
      if (portion.length === PORTION && !(await send())) return;
    }
    if (portion.length === 0 || (await send())) this.#toldEpoch = epoch;
  }

  #pullSoon(afterMs: number): void {
    if (this.#closed) return;
    const { clock } = this.#context;
    this.#cancelPull = clock.schedule(clock.now() + afterMs, () => void this.#pull());
  }

  async #pull(): Promise<void> {
    let more = false;
    try {
      more = await this.#pullOnce();
      if (this.#batches.length > 0 || this.#toldEpoch !== this.#link.epoch) void this.#pushSoon();
    } catch (error) {
      // Whatever was wrong with what was told: the others go on being heard, and hear that this worker is there.
      this.#context.report({ state: 'damaged', why: `what others told could not be read: ${String(error)}` });
    } finally {
      this.#pullSoon(more ? 0 : this.#options.pullMs);
    }
  }

  #pushSoon(): Promise<void> {
    this.#pushing ??= this.#pushAll().finally(() => (this.#pushing = undefined));
    return this.#pushing;
  }

  /** True when there may be more at once. */
  async #pullOnce(): Promise<boolean> {
    const { keys, epoch } = this.#link;
    const { worker, silenceMs } = this.#options;
    const args = [worker, this.#last, String(MOST_ENTRIES), String(silenceMs)];
    const reply = await this.#link.run('pull', [keys.meta, keys.feed, keys.workers], args);
    if (!reply.ok) return false;
    const [current, , last, missed, workers, batches, read] = reply.value as [
      string,
      number,
      string,
      string,
      string[],
      unknown[],
      number,
    ];
    if (current !== epoch) this.#link.epochChanged();
    this.#peers.heard(workers.map(String), this.#context.clock.now());
    this.#last = String(last);
    if (missed === '1') await this.#reload();
    const { clock } = this.#context;
    const told: SoftRecord[] = [];
    for (let index = 0; index + 1 < batches.length; index += 2) {
      told.push(...readBatch(String(batches[index + 1]), clock.wallNow() - Number(batches[index])));
    }
    await this.#take(told);
    return Number(read) >= MOST_ENTRIES;
  }

  /** For a pool that is only opening: nobody has decided anything there. */
  async *#asItStands(saved: AsyncIterable<readonly SoftRecord[]>): AsyncIterable<readonly SoftRecord[]> {
    for await (const portion of saved) {
      let standing: readonly SoftRecord[] = [];
      await this.#standing.settle(portion, this.#wallNow, (records) => (standing = records));
      yield standing;
    }
  }

  #take(told: readonly SoftRecord[]): Promise<void> {
    return this.#standing.settle(told, this.#wallNow, (records) => this.#context.receive(records));
  }

  readonly #wallNow = (): number => this.#context.clock.wallNow();

  async #reload(): Promise<void> {
    this.#last = '0';
    // What has ended meanwhile is not to be read there any more.
    this.#standing.doubt(this.#context.image());
    for await (const portion of this.#load()) await this.#take(portion);
    this.#cancelPull?.();
  }
}

function unreachable(said: string): FairleadError {
  const more = said === '' ? '' : `: ${said}`;
  return new FairleadError('STORE_UNUSABLE', `redisStore: the server cannot be reached or used${more}`);
}

/** Only the code of an error: its words may hold an address with a password. */
function codeOf(error: unknown): string {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && /^\w+$/.test(code)) return code;
  return /^[A-Z]{2,}\b/.exec(String(message))?.[0] ?? '';
}

function endpointsOf(values: readonly string[], wallNow: number): EndpointRecord[] {
  const records: EndpointRecord[] = [];
  for (let index = 0; index + 11 < values.length; index += 12) {
    const record = endpointOf(values, index, wallNow);
    if (record !== undefined) records.push(record);
  }
  return records;
}

function readOthers(values: readonly string[], wallNow: number): SoftRecord[] {
  const records: SoftRecord[] = [];
  for (let index = 0; index + 2 < values.length; index += 3) {
    records.push(...readBatch(`[${values[index + 2]}]`, wallNow - Number(values[index + 1])));
  }
  return records;
}

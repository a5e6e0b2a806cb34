import type {
  Clock,
  Instant,
  SharedAdmitRequest,
  SharedAdmitResult,
  SharedContext,
  SharedLedger,
} from '@fairlead/core';
import type { Peers, WhenDown } from './alone.js';
import { admissionOf, resultOf, span, unavailable } from './admission.js';
import { HeldLeases, type HeldLease } from './held-leases.js';
import { Outbox, type Message } from './outbox.js';
import type { OwnWords, Subject } from './own-words.js';
import { reassertions } from './reassertions.js';
import type { RedisLink } from './redis-link.js';
import type { WakingClock } from './waking-clock.js';

export interface LedgerOptions {
  readonly leaseTtlMs: number;
  readonly whenDown: WhenDown;
  readonly clock: WakingClock;
}

/** Part of a lease's life after which it is renewed. */
const RENEW_AT = 0.3;
/** How soon to ask again where nothing says when it may help. */
const SOON_MS = 100;
/** A pin that was to end has ended by itself after so long, or has been bound anew. */
const UNPIN_MS = 3_600_000;
/** Items of one message to a store that has lost its data. */
const PORTION = 500;

/** Hard limits at the store, over one shard; and what may be granted while it is out of reach. */
export class RedisLedger implements Omit<SharedLedger, 'shardOf' | 'sessionShard'> {
  readonly #link: RedisLink;
  readonly #options: LedgerOptions;
  readonly #held = new HeldLeases();
  readonly #outbox = new Outbox();
  readonly #peers: Peers;
  readonly #words: OwnWords;
  #clock!: Clock;
  #context!: SharedContext;
  #cancelTick: (() => void) | undefined;
  #renewAt: Instant = Number.POSITIVE_INFINITY;
  #releases: string[][] = [[], []];
  #generation: number;
  #closed = false;

  constructor(link: RedisLink, peers: Peers, words: OwnWords, options: LedgerOptions) {
    this.#link = link;
    this.#words = words;
    this.#peers = peers;
    this.#generation = -(Number.parseInt(peers.self.slice(0, 5), 16) + 1) * 2 ** 30;
    this.#options = options;
  }

  start(context: SharedContext): void {
    this.#context = context;
    this.#clock = this.#options.clock.follow(context.clock);
    // First of all it ends what has run out meanwhile.
    this.#options.clock.onWake(() => void this.#tick());
    this.#link.reassert = (isLost) => this.#reassert(isLost);
    let { epoch } = this.#link;
    this.#link.onUp = () => {
      if (epoch !== this.#link.epoch) this.#peers.beginAnew();
      ({ epoch } = this.#link);
      void this.#flushOutbox();
    };
    this.#link.start(this.#clock, context.report);
  }

  /**
   * While the store is out of reach and this worker may grant by itself: which endpoints. Until that begins nothing is any
   * different, so that an outage of a moment moves no session.
   */
  get alone(): ((endpoint: string) => boolean) | undefined {
    const { whenDown, leaseTtlMs } = this.#options;
    if (this.#link.state !== 'down' || whenDown === 'closed') return undefined;
    if (whenDown === 'open') return () => true;
    if (this.#clock.now() < this.#aloneFrom(leaseTtlMs) || !this.#peers.agreedAt(this.#link.contactAt))
      return undefined;
    return (endpoint) => this.#peers.owns(endpoint);
  }

  /** By then every lease that others had on this worker's endpoints has run out, and so has every pace they set. */
  #aloneFrom(longestMs: number): Instant {
    const { contactAt, triedSince } = this.#link;
    return Math.max(contactAt, triedSince) + longestMs;
  }

  async admit(request: SharedAdmitRequest): Promise<SharedAdmitResult> {
    if (this.#link.state !== 'up') return this.#admitAlone(request);
    // A place that was given back a moment ago is free for this one.
    this.#sendReleases();
    const { epoch } = this.#link;
    const { leaseTtlMs } = this.#options;
    const sentAt = this.#clock.now();
    const reply = await this.#link.run('admit', ...admissionOf(this.#link.keys, epoch, leaseTtlMs, request));
    // It tells which exit the session has now.
    if (request.session !== undefined) this.#words.said('session', request.session);
    if (!reply.ok) {
      if (reply.outcome === 'unknown') this.#cancel(request);
      return unavailable(SOON_MS);
    }
    const result = resultOf(reply.value);
    if (result === undefined) {
      this.#link.epochChanged();
      return unavailable(SOON_MS);
    }
    if (!result.ok) return result;
    const deadline = sentAt + leaseTtlMs;
    // Granted by a store that is no more, or so long ago that it may have been granted again.
    if (epoch !== this.#link.epoch || this.#link.state !== 'up' || this.#clock.now() >= deadline || this.#closed) {
      this.#cancel(request);
      return unavailable(SOON_MS);
    }
    const endpoint = request.candidates[result.index]!.key;
    this.#hold({ id: request.leaseId, endpoint, deadline, alone: false, told: true });
    return result;
  }

  release(leaseId: string): void {
    const lease = this.#held.drop(leaseId);
    // Of a place that was granted alone the store has never heard.
    if (lease?.told !== true) return;
    const [keys, ids] = this.#releases as [string[], string[]];
    keys.push(this.#link.keys.leases(lease.endpoint));
    ids.push(leaseId);
    // What is released in one turn of the loop goes in one message.
    if (keys.length === 1) queueMicrotask(() => this.#sendReleases());
  }

  suspend(target: string, forMs: number, why: string): void {
    const keys = [this.#link.keys.suspension(target)];
    const args = (waitedMs: number) => [span(Math.max(1, Math.ceil(forMs - waitedMs))), why];
    this.#say('target', target, keys[0]!, { verb: 'suspend', keys, args }, forMs);
  }

  resume(target: string): void {
    const keys = [this.#link.keys.suspension(target)];
    this.#say('target', target, keys[0]!, { verb: 'suspend', keys, args: () => ['0', ''] }, Number.POSITIVE_INFINITY);
  }

  bind(session: string, endpoint: string, { ttlMs, maxMs, maxUses }: SharedAdmitRequest['pin']): void {
    const { keys } = this.#link;
    const pin = keys.pin(session);
    const args = (waitedMs: number) => [
      endpoint,
      span(ttlMs - waitedMs),
      span(maxMs - waitedMs),
      span(maxUses),
      age(waitedMs),
    ];
    const answered = ([kept, generation]: readonly unknown[]): void => {
      if (kept === endpoint) this.#context.bound(session, endpoint, Number(generation));
    };
    const message = { verb: 'bind' as const, keys: [keys.meta, pin], args, answered };
    this.#say('session', session, pin, message, Math.min(ttlMs, maxMs));
  }

  unpin(session: string, generation?: number): void {
    const pin = this.#link.keys.pin(session);
    // That of one generation ends nothing else that is said of the session.
    const slot = generation === undefined ? pin : `${pin} ${generation}`;
    const args = (waitedMs: number) => [generation === undefined ? '' : String(generation), age(waitedMs)];
    this.#say('session', session, slot, { verb: 'unpin', keys: [pin], args }, UNPIN_MS);
  }

  /** Tells what was decided here, and remembers that it was. */
  #say(of: Subject, name: string, slot: string, message: Omit<Message, 'until'>, forMs: number): void {
    this.#words.said(of, name);
    const answered = (answer: readonly unknown[]): void => {
      this.#words.heard(of, name);
      message.answered?.(answer);
    };
    this.#tell(slot, { ...message, answered }, forMs);
  }

  /** Gives back what is held, as far as the store can be reached. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTick?.();
    for (const { id } of this.#held) this.release(id);
    const [keys, ids] = this.#releases as [string[], string[]];
    this.#releases = [[], []];
    for (let from = 0; from < ids.length; from += PORTION) {
      await this.#giveBack(keys.slice(from, from + PORTION), ids.slice(from, from + PORTION));
    }
    await this.#flushOutbox();
  }

  #admitAlone(request: SharedAdmitRequest): SharedAdmitResult {
    const { whenDown, leaseTtlMs } = this.#options;
    const now = this.#clock.now();
    // Coming back it is about to say what it holds: from then on nothing may be added to that.
    if (whenDown === 'closed' || this.#link.state !== 'down' || this.#closed) return unavailable(SOON_MS);
    const openAt = whenDown === 'open' ? now : this.#aloneFrom(Math.max(leaseTtlMs, request.emissionMs));
    if (now < openAt) return unavailable(Math.max(1, Math.min(SOON_MS, openAt - now)));
    // Undefined also where two that know different workers could each take an endpoint for their own.
    const may = this.alone;
    const index = may === undefined ? -1 : request.candidates.findIndex(({ key }) => may(key));
    if (index < 0) return unavailable(SOON_MS);
    if (!this.#link.grantedAlone) {
      this.#context.report({ state: 'partition', why: `places are granted without the store: ${whenDown}` });
    }
    this.#link.grantedAlone = true;
    const endpoint = request.candidates[index]!.key;
    this.#hold({ id: request.leaseId, endpoint, deadline: now + leaseTtlMs, alone: true, told: false });
    if (request.session === undefined) return { ok: true, index, pin: 'none', generation: 0 };
    // Below zero and this worker's own: the store counts upwards, and knows nothing of these until it is back.
    this.#generation -= 1;
    return { ok: true, index, pin: 'kept', generation: this.#generation };
  }

  /** The answer never came: whatever was granted is taken back by its name. */
  #cancel({ leaseId, candidates }: SharedAdmitRequest): void {
    const keys = candidates.map(({ key }) => this.#link.keys.leases(key));
    this.#tell(`cancel ${leaseId}`, { verb: 'cancel', keys, args: () => [leaseId] }, this.#options.leaseTtlMs);
  }

  #tell(slot: string, message: Omit<Message, 'until'>, forMs: number): void {
    const now = this.#clock.now();
    this.#outbox.put(slot, { ...message, until: now + forMs }, now);
    void this.#flushOutbox();
  }

  /** A portion at a time: what has gathered in a long outage would hold up a server that is just back. */
  async #flushOutbox(): Promise<boolean> {
    if (this.#link.state === 'down') return true;
    for (const portion of this.#outbox.portions(this.#clock.now())) {
      const told = await Promise.all(
        portion.map(async (item) => {
          const { verb, keys, args, answered } = item.message;
          const reply = await this.#link.send(verb, keys, args(this.#clock.now() - item.since));
          // Each of them may be told twice.
          this.#outbox.told(item, reply.ok);
          if (reply.ok) answered?.(reply.value);
          return reply.ok;
        }),
      );
      if (!told.every(Boolean)) return false;
    }
    return true;
  }

  #sendReleases(): void {
    const [keys, ids] = this.#releases as [string[], string[]];
    this.#releases = [[], []];
    if (keys.length > 0) void this.#giveBack(keys, ids);
  }

  async #giveBack(keys: readonly string[], ids: readonly string[]): Promise<void> {
    const until = this.#clock.now() + this.#options.leaseTtlMs;
    const { ok } = await this.#link.run('release', keys, ids);
    if (ok) return;
    ids.forEach((id, index) => this.#outbox.release(id, keys[index]!, until));
  }

  #hold(lease: HeldLease): void {
    this.#held.add(lease);
    this.#renewAt = Math.min(this.#renewAt, this.#clock.now() + this.#options.leaseTtlMs * RENEW_AT);
    this.#tickAt(Math.min(this.#renewAt, lease.deadline));
  }

  #tickingAt: Instant = Number.POSITIVE_INFINITY;

  #tickAt(at: Instant): void {
    if (this.#closed || at >= this.#tickingAt) return;
    this.#cancelTick?.();
    this.#tickingAt = at;
    this.#cancelTick = this.#clock.schedule(at, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    this.#tickingAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    this.#prolongAlone(now);
    // First of all: a process that was stopped must not go on with what has been given to others meanwhile.
    for (const { id } of this.#held.takeExpired(now)) this.#context.lost(id);
    if (now >= this.#renewAt) {
      this.#renewAt = this.#held.size === 0 ? Number.POSITIVE_INFINITY : now + this.#options.leaseTtlMs * RENEW_AT;
      void this.#renew();
    }
    this.#tickAt(Math.min(this.#renewAt, this.#held.soonest));
  }

  /** Nobody else can know of them, and nobody else grants here. */
  #prolongAlone(now: Instant): void {
    const may = this.alone;
    if (may === undefined) return;
    for (const lease of this.#held) {
      if (lease.alone && lease.deadline > now && may(lease.endpoint)) lease.deadline = now + this.#options.leaseTtlMs;
    }
  }

  async #renew(): Promise<void> {
    if (this.#link.state !== 'up') return;
    const leases = [...this.#held];
    for (let from = 0; from < leases.length; from += PORTION) {
      const portion = leases.slice(from, from + PORTION);
      const sentAt = this.#clock.now();
      const { keys, epoch } = this.#link;
      const names = [keys.meta, ...portion.map(({ endpoint }) => keys.leases(endpoint))];
      const args = [epoch, String(this.#options.leaseTtlMs), ...portion.map(({ id }) => id)];
      const reply = await this.#link.run('renew', names, args);
      if (!reply.ok) return;
      if (reply.value[0] !== 'ok') return this.#link.epochChanged();
      portion.forEach((lease, index) => this.#renewed(lease.id, reply.value[index + 1] === '1', sentAt));
    }
  }

  #renewed(id: string, kept: boolean, sentAt: Instant): void {
    const lease = this.#held.get(id);
    if (lease === undefined) return;
    if (kept) {
      lease.deadline = sentAt + this.#options.leaseTtlMs;
      return;
    }
    this.#held.drop(id);
    this.#context.lost(id);
  }

  /** Says what this worker holds, and what it believes where the store has lost that. What it takes back goes first. */
  async #reassert(isLost: boolean): Promise<boolean> {
    if (!(await this.#flushOutbox())) return false;
    for (const lease of this.#held) lease.told = true;
    const { keys, epoch } = this.#link;
    const items = reassertions(keys, this.#held, this.#context, this.#clock.now(), isLost);
    let portion = { names: [keys.meta], args: [epoch] };
    const send = async (): Promise<boolean> => {
      const reply = await this.#link.send('reassert', portion.names, portion.args);
      portion = { names: [keys.meta], args: [epoch] };
      return reply.ok && reply.value[0] === 'ok';
    };
    for (const { key, args } of items) {
      portion.names.push(key);
      portion.args.push(...args);
      if (portion.names.length > PORTION && !(await send())) return false;
    }
    return portion.names.length === 1 || send();
  }
}

/** For how long a word has waited, in whole milliseconds: one that is told at once is the last, whatever the server's clock says. */
function age(waitedMs: number): string {
  return String(Math.floor(waitedMs));
}

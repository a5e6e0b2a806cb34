import type {
  Clock,
  Instant,
  SharedAdmitRequest,
  SharedAdmitResult,
  SharedContext,
  SharedLedger,
} from '@fairlead/core';
import type { Peers, WhenDown } from './alone.js';
import { HeldLeases } from './held-leases.js';
import { Outbox } from './outbox.js';
import { reassertions } from './reassertions.js';
import type { RedisLink } from './redis-link.js';

export interface LedgerOptions {
  readonly leaseTtlMs: number;
  readonly whenDown: WhenDown;
}

/** Part of a lease's life after which it is renewed. */
const RENEW_AT = 0.3;
/** How soon to ask again where nothing says when it may help. */
const SOON_MS = 100;
/** Items of one message to a store that has lost its data. */
const PORTION = 500;

/** Hard limits at the store, over one shard; and what may be granted while it is out of reach. */
export class RedisLedger implements Omit<SharedLedger, 'shardOf' | 'sessionShard'> {
  readonly #link: RedisLink;
  readonly #options: LedgerOptions;
  readonly #held = new HeldLeases();
  readonly #outbox = new Outbox();
  readonly #peers: Peers;
  #clock!: Clock;
  #context!: SharedContext;
  #cancelTick: (() => void) | undefined;
  #renewAt: Instant = Number.POSITIVE_INFINITY;
  #releases: string[][] = [[], []];
  #generation: number;
  #closed = false;

  constructor(link: RedisLink, peers: Peers, options: LedgerOptions) {
    this.#link = link;
    this.#peers = peers;
    this.#generation = -(Number.parseInt(peers.self.slice(0, 5), 16) + 1) * 2 ** 30;
    this.#options = options;
  }

  start(context: SharedContext): void {
    this.#context = context;
    this.#clock = context.clock;
    this.#link.reassert = () => this.#reassert();
    let { epoch } = this.#link;
    this.#link.onUp = () => {
      if (epoch !== this.#link.epoch) this.#peers.beginAnew();
      ({ epoch } = this.#link);
      void this.#flushOutbox();
    };
    this.#link.start(context.clock, context.report);
  }

  /** While the store is out of reach and this worker may grant by itself: which endpoints. */
  get alone(): ((endpoint: string) => boolean) | undefined {
    if (this.#link.state !== 'down' || this.#options.whenDown === 'closed') return undefined;
    return this.#options.whenDown === 'open' ? () => true : (endpoint) => this.#peers.owns(endpoint);
  }

  async admit(request: SharedAdmitRequest): Promise<SharedAdmitResult> {
    if (this.#link.state !== 'up') return this.#admitAlone(request);
    // A place that was given back a moment ago is free for this one.
    this.#sendReleases();
    const { epoch } = this.#link;
    const sentAt = this.#clock.now();
    const reply = await this.#link.run('admit', ...this.#admission(request));
    if (!reply.ok) {
      if (reply.outcome === 'unknown') this.#cancel(request);
      return unavailable(SOON_MS);
    }
    const result = this.#resultOf(reply.value);
    if (!result.ok) return result;
    const deadline = sentAt + this.#options.leaseTtlMs;
    // Granted by a store that is no more, or so long ago that it may have been granted again.
    if (epoch !== this.#link.epoch || this.#link.state !== 'up' || this.#clock.now() >= deadline || this.#closed) {
      this.#cancel(request);
      return unavailable(SOON_MS);
    }
    const endpoint = request.candidates[result.index]!.key;
    this.#hold({ id: request.leaseId, endpoint, deadline, alone: false });
    return result;
  }

  release(leaseId: string): void {
    const lease = this.#held.drop(leaseId);
    if (lease === undefined) return;
    const [keys, ids] = this.#releases as [string[], string[]];
    keys.push(this.#link.keys.leases(lease.endpoint));
    ids.push(leaseId);
    // What is released in one turn of the loop goes in one message.
    if (keys.length === 1) queueMicrotask(() => this.#sendReleases());
  }

  suspend(target: string, forMs: number, why: string): void {
    const ms = Number.isFinite(forMs) ? String(Math.max(1, Math.ceil(forMs))) : '-1';
    this.#tell('suspend', [this.#link.keys.suspension(target)], [ms, why], forMs);
  }

  resume(target: string): void {
    this.#tell('suspend', [this.#link.keys.suspension(target)], ['0', ''], Number.POSITIVE_INFINITY);
  }

  bind(session: string, endpoint: string, { ttlMs, maxMs, maxUses }: SharedAdmitRequest['pin']): void {
    const { keys } = this.#link;
    const args = [endpoint, span(ttlMs), span(maxMs), span(maxUses)];
    this.#tell('bind', [keys.meta, keys.pin(session)], args, Number.POSITIVE_INFINITY);
  }

  unpin(session: string, generation?: number): void {
    this.#tell(
      'unpin',
      [this.#link.keys.pin(session)],
      [generation === undefined ? '' : String(generation)],
      3_600_000,
    );
  }

  /** Gives back what is held, as far as the store can be reached. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTick?.();
    for (const { id } of this.#held) this.release(id);
    this.#sendReleases();
    await this.#flushOutbox();
  }

  #admission(request: SharedAdmitRequest): [keys: string[], args: string[]] {
    const { keys, epoch } = this.#link;
    const { candidates, target, session, emissionMs, burstMs, pin } = request;
    const paced = emissionMs > 0;
    const names = [keys.meta, keys.suspension(target), session === undefined ? keys.meta : keys.pin(session)];
    const args = [
      epoch,
      request.leaseId,
      String(this.#options.leaseTtlMs),
      String(emissionMs),
      String(burstMs),
      session === undefined ? '0' : '1',
      span(pin.ttlMs),
      span(pin.maxMs),
      span(pin.maxUses),
    ];
    for (const { key, maxInFlight } of candidates) {
      names.push(keys.leases(key));
      if (paced) names.push(keys.pace(key, target));
      args.push(key, String(maxInFlight));
    }
    return [names, args];
  }

  #resultOf(value: readonly unknown[]): SharedAdmitResult {
    const [word, first, second, third] = value;
    switch (word) {
      case 'ok': {
        const pin = second as 'none' | 'new' | 'kept';
        return { ok: true, index: Number(first) - 1, pin, generation: Number(third) };
      }
      case 'suspended':
        return { ok: false, reason: 'suspended', retryAfterMs: endless(first), why: String(second) };
      case 'busy':
        return { ok: false, reason: 'busy', retryAfterMs: endless(first) };
      case 'pinned-elsewhere': {
        const pinned = { endpoint: String(first), generation: Number(second) };
        return { ok: false, reason: 'pinned-elsewhere', retryAfterMs: 0, ...pinned };
      }
      case 'recovering':
        return { ok: false, reason: 'recovering', retryAfterMs: Number(first) };
      case 'epoch':
        this.#link.epochChanged();
        return unavailable(SOON_MS);
      default:
        return unavailable(SOON_MS);
    }
  }

  #admitAlone(request: SharedAdmitRequest): SharedAdmitResult {
    const { whenDown, leaseTtlMs } = this.#options;
    const { contactAt, triedSince } = this.#link;
    const now = this.#clock.now();
    // Coming back it is about to say what it holds: from then on nothing may be added to that.
    if (whenDown === 'closed' || this.#link.state !== 'down' || this.#closed) return unavailable(SOON_MS);
    if (whenDown === 'partition') {
      // By then every lease that others had on this worker's endpoints has run out, and so has every pace they set.
      const openAt = Math.max(contactAt, triedSince) + Math.max(leaseTtlMs, request.emissionMs);
      if (now < openAt) return unavailable(Math.max(1, Math.min(SOON_MS, openAt - now)));
      // Two that know different workers could each take an endpoint for their own.
      if (!this.#peers.agreedAt(contactAt)) return unavailable(SOON_MS);
    }
    const may = this.alone;
    const index = may === undefined ? -1 : request.candidates.findIndex(({ key }) => may(key));
    if (index < 0) return unavailable(SOON_MS);
    if (!this.#link.grantedAlone) {
      this.#context.report({ state: 'partition', why: `places are granted without the store: ${whenDown}` });
    }
    this.#link.grantedAlone = true;
    const endpoint = request.candidates[index]!.key;
    this.#hold({ id: request.leaseId, endpoint, deadline: now + leaseTtlMs, alone: true });
    if (request.session === undefined) return { ok: true, index, pin: 'none', generation: 0 };
    // Below zero and this worker's own: the store counts upwards, and knows nothing of these until it is back.
    this.#generation -= 1;
    return { ok: true, index, pin: 'kept', generation: this.#generation };
  }

  /** The answer never came: whatever was granted is taken back by its name. */
  #cancel({ leaseId, candidates }: SharedAdmitRequest): void {
    const keys = candidates.map(({ key }) => this.#link.keys.leases(key));
    this.#tell('cancel', keys, [leaseId], this.#options.leaseTtlMs);
  }

  #tell(
    verb: 'cancel' | 'suspend' | 'bind' | 'unpin' | 'release',
    keys: string[],
    args: string[],
    forMs: number,
  ): void {
    this.#outbox.put({ verb, keys, args, until: this.#clock.now() + forMs });
    void this.#flushOutbox();
  }

  async #flushOutbox(): Promise<boolean> {
    if (this.#link.state === 'down' || this.#outbox.size === 0) return true;
    const messages = this.#outbox.take(this.#clock.now());
    const told = await Promise.all(
      messages.map(async (message) => {
        const { ok } = await this.#link.send(message.verb, message.keys, message.args);
        // Each of them may be told twice.
        if (!ok) this.#outbox.put(message);
        return ok;
      }),
    );
    return told.every(Boolean);
  }

  #sendReleases(): void {
    const [keys, ids] = this.#releases as [string[], string[]];
    this.#releases = [[], []];
    if (keys.length > 0) this.#tell('release', keys, ids, this.#options.leaseTtlMs);
  }

  #hold(lease: { id: string; endpoint: string; deadline: Instant; alone: boolean }): void {
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

  /** Says what this worker holds and believes. What it takes back goes first. */
  async #reassert(): Promise<boolean> {
    if (!(await this.#flushOutbox())) return false;
    const { keys, epoch } = this.#link;
    const items = reassertions(keys, this.#held, this.#context, this.#clock.now());
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

function unavailable(retryAfterMs: number): SharedAdmitResult {
  return { ok: false, reason: 'unavailable', retryAfterMs };
}

function endless(ms: unknown): number {
  return Number(ms) < 0 ? Number.POSITIVE_INFINITY : Number(ms);
}

/** A length as the scripts take it: -1 has no end. */
function span(ms: number): string {
  return Number.isFinite(ms) ? String(ms) : '-1';
}

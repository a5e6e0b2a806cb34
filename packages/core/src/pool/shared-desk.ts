import type { EndpointId } from '../endpoint.js';
import { FairleadError, PoolExhaustedError } from '../errors.js';
import type { Row } from '../kernel/table.js';
import type { Instant } from '../ports/clock.js';
import type { Ledger } from '../ports/ledger.js';
import type { StoreReport } from '../ports/records.js';
import type { SharedAdmitRequest, SharedAdmitResult, SharedLedger } from '../ports/shared-ledger.js';
import type { Target } from '../target.js';
import { AskWindow } from './ask-window.js';
import type { Dispatcher } from './dispatcher.js';
import type { Emitter } from './events.js';
import { Lease } from './lease.js';
import type { ResolvedOptions } from './options.js';
import type { RecordsLink } from './records-link.js';
import { closedError, lateError, type Refusal } from './refusal.js';
import type { Run } from './run.js';
import { SharedPins } from './shared-pins.js';
import { refusedBySuspension } from './want.js';

/** Candidates of one admission: others take places meanwhile. */
export const SHARED_CANDIDATES = 8;
/** Trips of one question: the first may find that the session is kept elsewhere, or that it was until just now. */
const TRIPS = 4;
/** By less than that two workers reckon the end of one suspension apart. */
const SAME_MS = 250;
/** How soon to ask again for a place that others hold: they do not tell when they give one back. */
const BUSY_MIN_MS = 50;
const BUSY_MAX_MS = 250;

/** The attempt that was reserved for never began. */
interface Seat {
  readonly row: Row;
  readonly id: EndpointId;
  readonly key: string;
  readonly limit: number;
}

/** What was asked for a run, and the seat reserved here meanwhile: the first of the list. */
interface Plan {
  readonly seats: readonly Seat[];
  readonly request: SharedAdmitRequest;
  readonly targetIndex: number;
  readonly first: boolean;
}

/**
 * Takes places at a ledger that others share. Whatever is asked for is reserved here first, so that those who ask at the
 * same time think of other endpoints; the answer corrects it.
 */
export class SharedDesk {
  readonly #shared: SharedLedger;
  readonly #link: RecordsLink;
  /** For what others told: it is not to be told again. */
  readonly #heard: Ledger;
  readonly #options: ResolvedOptions;
  readonly #events: Emitter;
  readonly #pins: SharedPins;
  readonly #leases = new Map<string, Lease>();
  /** How many of those in line ask at once. */
  readonly window = new AskWindow();
  readonly #prefix: string;
  #dispatcher!: Dispatcher;
  #count = 0;

  constructor(shared: SharedLedger, link: RecordsLink, heard: Ledger, options: ResolvedOptions, events: Emitter) {
    this.#shared = shared;
    this.#link = link;
    this.#heard = heard;
    this.#options = options;
    this.#events = events;
    this.#pins = new SharedPins(heard, options.store.ledger, link);
    // Unlike any other worker's, also where chance is seeded: the wall clock tells restarts apart.
    const { random, clock } = options;
    this.#prefix = `${Math.floor(random() * 2 ** 48).toString(36)}${Math.floor(clock.wallNow()).toString(36)}-`;
  }

  start(dispatcher: Dispatcher, report: (report: StoreReport) => void): void {
    this.#dispatcher = dispatcher;
    const { clock, random, store } = this.#options;
    const { ledger } = store;
    this.#shared.start({
      clock,
      random,
      report: (event) => {
        report(event);
        // Whoever waits for the store may go on.
        if (event.state === 'working') dispatcher.changed();
      },
      lost: (leaseId) => this.#lost(leaseId),
      bound: (session, key, generation) => this.#pins.named(session, key, generation, clock.now()),
      pins: () => this.#pins.all(clock.now()),
      suspensions: () => suspensionsOf(ledger.suspensions, clock.now()),
      paces: () => this.#paces(clock.now()),
    });
  }

  /** A lease, or why there is none now. */
  async grant(run: Run): Promise<Lease | Refusal> {
    for (let trip = 0; trip < TRIPS; trip += 1) {
      const answer = await this.#ask(run);
      if (answer !== 'again') return answer;
    }
    return { retryAt: this.#dispatcher.now() + BUSY_MIN_MS };
  }

  /** A lease if there is one without waiting. */
  async grantOnce(run: Run): Promise<Lease | undefined> {
    const answer = await this.grant(run);
    return answer instanceof Lease ? answer : undefined;
  }

  /** The lease is settled: its place returns. */
  release(lease: Lease): void {
    const { sharedId } = lease.parts;
    if (sharedId === undefined || !this.#leases.delete(sharedId)) return;
    this.#shared.release(sharedId);
  }

  /** Others have suspended the target, or ended that: what holds for them holds here. */
  heard(target: Target, until: Instant, why: string): void {
    const { line } = this.#dispatcher;
    const now = this.#dispatcher.now();
    if (until <= now) {
      if (this.#heard.resume(target)) this.#dispatcher.changed();
      return;
    }
    const known = this.#heard.suspendedUntil(target, now);
    // An answer takes its time, and is no news for that.
    if (known === until || Math.abs(known - until) < SAME_MS) return;
    // Somebody may have ended it and begun another that is shorter.
    this.#heard.resume(target);
    this.#heard.suspend(target, until, why, now);
    if (until < known) return this.#dispatcher.changed();
    this.#events.emit('suspended', { target, forMs: until - now, why });
    line.recheck(target);
    this.#dispatcher.reschedule();
  }

  close(): Promise<void> {
    return this.#shared.close();
  }

  async #ask(run: Run): Promise<Lease | Refusal | 'again'> {
    const now = this.#dispatcher.now();
    const alone = this.#shared.alone !== undefined;
    const refusal = this.#dispatcher.prepare(run, now, alone ? this.#alone() : undefined);
    if (refusal !== undefined) {
      this.#dispatcher.tell();
      // Nobody is unfit: they are others' to grant, and the store may be back any moment.
      const isOthers = alone && refusal.error instanceof PoolExhaustedError;
      return isOthers ? { retryAt: now + BUSY_MAX_MS, why: 'noPermit' } : refusal;
    }
    const plan = this.#reserve(run, now);
    if (plan === undefined) return { retryAt: now + this.#jitter(), why: 'noPermit' };
    const result = await this.#admitted(plan);
    this.#dispatcher.tell();
    return result.ok ? this.#granted(run, plan, result) : this.#refused(run, plan, result);
  }

  /** The store's answer, if it is one: a store of somebody else's may reject, or name a candidate that it was not given. */
  async #admitted({ request, seats }: Plan): Promise<SharedAdmitResult> {
    try {
      const result = await this.#shared.admit(request);
      if (!result.ok || seats[result.index] !== undefined) return result;
    } catch {
      // Whether the place was taken is not known: it is given back below.
    }
    this.#shared.release(request.leaseId);
    return { ok: false, reason: 'unavailable', retryAfterMs: BUSY_MAX_MS };
  }

  #alone(): (row: Row) => boolean {
    return (row) => {
      const key = this.#link.keyOf(row);
      return key !== undefined && this.#shared.alone?.(key) !== false;
    };
  }

  /** Takes the best seat with room here; the store is asked for it and for those after it. */
  #reserve(run: Run, now: Instant): Plan | undefined {
    const { question, kernel } = this.#dispatcher;
    const { ledger } = this.#options.store;
    const { target, emissionMs, burstMs, session, pin, targetKey } = question.admission;
    const alone = this.#shared.alone !== undefined;
    const open = this.#seats(run).filter(
      ({ row, limit }) =>
        ledger.inFlight(row) < limit && !(alone && emissionMs > 0 && ledger.opensAt(row, target, burstMs) > now),
    );
    const [best] = open;
    if (best === undefined) return undefined;
    ledger.take(best.row);
    kernel.onAdmit(best.row, target, now);
    this.#count += 1;
    const leaseId = this.#prefix + this.#count.toString(36);
    const candidates = open.map(({ key, limit }) => ({ key, maxInFlight: limit }));
    const pinned = this.#pins.generationOf(session, now);
    const request = { leaseId, target: targetKey, candidates, emissionMs, burstMs, session, pin, pinned };
    return { seats: open, request, targetIndex: target, first: question.query.first };
  }

  /** The candidates of the shard that the admission is made in: the session's, else that of the best. */
  #seats({ session }: Run): Seat[] {
    const { question, roster } = this.#dispatcher;
    const { rows, limits, count } = question.candidates;
    const seats: Seat[] = [];
    let shard = session === undefined ? -1 : this.#shared.sessionShard(session);
    for (let index = 0; index < count; index += 1) {
      const row = rows[index]!;
      const key = this.#link.keyOf(row);
      if (key === undefined) continue;
      const own = this.#shared.shardOf(key);
      if (shard < 0) shard = own;
      if (own === shard) seats.push({ row, key, id: roster.at(row).id, limit: limits[index]! });
    }
    return seats;
  }

  #granted(run: Run, plan: Plan, result: SharedAdmitResult & { ok: true }): Lease | Refusal {
    const { kernel } = this.#dispatcher;
    const { ledger } = this.#options.store;
    const now = this.#dispatcher.now();
    const seat = plan.seats[result.index]!;
    const over = this.#over(run, seat, now);
    if (over !== undefined || result.index > 0) this.#undo(plan, now);
    if (over !== undefined) {
      this.#shared.release(plan.request.leaseId);
      return over;
    }
    if (result.index > 0) {
      ledger.take(seat.row);
      kernel.onAdmit(seat.row, plan.targetIndex, now);
    }
    const { emissionMs } = plan.request;
    if (emissionMs > 0) {
      const arrival = Math.max(now, ledger.opensAt(seat.row, plan.targetIndex, 0));
      ledger.restorePace(seat.row, plan.targetIndex, arrival + emissionMs, now);
    }
    const kept = run.session !== undefined && result.pin !== 'none';
    if (kept) {
      const { generation, pin: uses } = result;
      this.#pins.mirror(run.session!, seat.row, { generation, uses }, plan.request.pin, now);
    }
    const lease = this.#dispatcher.give(
      run,
      { row: seat.row, pin: result.pin, generation: result.generation, reason: 'ok', retryAt: now },
      { targetIndex: plan.targetIndex, first: plan.first, sharedId: plan.request.leaseId },
      now,
    );
    this.#leases.set(plan.request.leaseId, lease);
    return lease;
  }

  /** Why the place is of no use any more, if it is not. */
  #over(run: Run, { row, id }: Seat, now: Instant): Refusal | undefined {
    if (this.#dispatcher.closed) return { retryAt: now, error: closedError() };
    if (now >= run.deadline || run.request.signal?.aborted === true) return { retryAt: now, error: lateError() };
    // The endpoint has left, or its row has another one now.
    return this.#dispatcher.roster.rowOf(id) === row ? undefined : { retryAt: now + 1 };
  }

  #refused(run: Run, plan: Plan, result: SharedAdmitResult & { ok: false }): Refusal | 'again' {
    const now = this.#dispatcher.now();
    this.#undo(plan, now);
    const { retryAfterMs } = result;
    switch (result.reason) {
      case 'suspended':
        this.heard(run.target, now + retryAfterMs, result.why ?? '');
        return refusedBySuspension(run, now + retryAfterMs, now);
      case 'pinned-elsewhere':
        return this.#pinned(run, result, now);
      case 'unpinned':
        this.#pins.ended(run.session!, plan.request.pinned);
        return 'again';
      case 'busy': {
        const why = Number.isFinite(retryAfterMs) ? 'rateLimit' : 'noPermit';
        return { retryAt: now + Math.max(1, Math.min(retryAfterMs, this.#jitter())), why };
      }
      case 'recovering':
        return { retryAt: now + retryAfterMs + 1, why: 'noPermit' };
      case 'unavailable':
        return { retryAt: now + Math.max(1, retryAfterMs), why: 'noPermit' };
      default:
        return result.reason satisfies never;
    }
  }

  /** The session is kept by an endpoint that this worker did not think of. */
  #pinned(run: Run, result: SharedAdmitResult & { ok: false }, now: Instant): Refusal | 'again' {
    const session = run.session!;
    const row = this.#link.rowOf(result.endpoint ?? '');
    if (row !== undefined) {
      this.#pins.mirror(session, row, { generation: result.generation ?? 0, uses: 'none' }, run.pinTerms, now);
      return 'again';
    }
    if (run.policy.session.contract !== 'prefer') {
      const problem = 'may only use an endpoint that this worker does not have';
      const error = new FairleadError('SESSION_LOST', `session ${JSON.stringify(run.request.session)} ${problem}`);
      return { retryAt: now, error };
    }
    this.#shared.unpin(session, result.generation);
    return 'again';
  }

  #undo({ seats, targetIndex }: Plan, now: Instant): void {
    const { row } = seats[0]!;
    this.#options.store.ledger.release(row);
    this.#dispatcher.kernel.onWithdraw(row, targetIndex, now, this.#options.random);
    this.#dispatcher.members.vacateIfGone(row);
    this.#dispatcher.effects.flush();
  }

  #lost(leaseId: string): void {
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) return;
    this.#leases.delete(leaseId);
    lease.end('lost');
    lease.settle({ kind: 'abandoned', elapsedMs: this.#dispatcher.now() - lease.since });
    this.#events.emit('lease-lost', { leaseId: lease.id, endpoint: lease.endpoint.id });
  }

  *#paces(now: Instant): Generator<{ key: string; target: string; aheadMs: number }> {
    for (const { row, target, at } of this.#options.store.ledger.paces(now)) {
      const key = this.#link.keyOf(row);
      const name = this.#dispatcher.kernel.state.targets.states[target]?.key;
      if (key !== undefined && name !== undefined) yield { key, target: name, aheadMs: at - now };
    }
  }

  #jitter(): number {
    return BUSY_MIN_MS + this.#options.random() * (BUSY_MAX_MS - BUSY_MIN_MS);
  }
}

function* suspensionsOf(
  suspensions: ReadonlyMap<string, { readonly until: number; readonly why: string }>,
  now: Instant,
): Generator<{ target: Target; forMs: number; why: string }> {
  for (const [target, { until, why }] of suspensions) {
    if (until > now) yield { target: target as Target, forMs: until - now, why };
  }
}

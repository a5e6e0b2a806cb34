import type { Endpoint, EndpointId } from '../endpoint.js';
import { FairleadError, PoolExhaustedError, TargetSuspendedError } from '../errors.js';
import { createKernel, type Kernel } from '../kernel/kernel.js';
import { createCandidates, createQuery, type RankQuery } from '../kernel/query.js';
import { Standing, type Row } from '../kernel/table.js';
import type { AdmitRequest, AdmitResult } from '../ledger/ledger.js';
import type { Outcome, Verdict } from '../outcome.js';
import { classify } from '../policy/classify.js';
import { askedToWait, factOf } from '../policy/fact-of.js';
import type { Instant } from '../ports/clock.js';
import type { Target } from '../target.js';
import { Alarm } from './alarm.js';
import { EffectLog } from './effect-log.js';
import type { Emitter } from './events.js';
import { Lease, type LeaseKeeper } from './lease.js';
import { LiveList } from './live-list.js';
import type { ResolvedOptions } from './options.js';
import { Restraints } from './restraints.js';
import { hasAll, Roster } from './roster.js';
import type { Run } from './run.js';
import { SessionDesk } from './session-desk.js';
import { Counters } from './counters.js';
import { WaitingLine } from './waiters.js';

/** Why a run gets nothing now: when to ask again, or an error when asking is hopeless. */
export interface Refusal {
  readonly retryAt: Instant;
  readonly error?: FairleadError;
}

const ONLY_A_RELEASE: Refusal = Object.freeze({ retryAt: Number.POSITIVE_INFINITY });

/**
 * Carries questions to the kernel and the ledger and their answers back: gives leases out, takes them in, and keeps the
 * line, the timer and the events in step. It decides nothing itself.
 */
export class Dispatcher implements LeaseKeeper {
  readonly roster = new Roster();
  readonly line: WaitingLine;
  readonly kernel: Kernel;
  readonly sessions: SessionDesk;
  readonly counters: Counters;
  readonly effects: EffectLog;
  readonly live = new LiveList<Lease>();
  readonly #options: ResolvedOptions;
  readonly #events: Emitter;
  readonly #alarm: Alarm;
  readonly #restraints = new Restraints();
  readonly #candidates = createCandidates();
  readonly #query: RankQuery;
  readonly #admission: AdmitRequest;
  #leases = 0;
  #held = 0;
  closed = false;
  /** Told of each attempt that starts, and of each that its endpoint carried: what budgets are paid from. */
  onGranted: () => void = () => undefined;
  onCarried: () => void = () => undefined;

  constructor(options: ResolvedOptions, events: Emitter) {
    const { store, strategy, policy, random, clock, constants } = options;
    this.#options = options;
    this.#events = events;
    this.line = new WaitingLine(options.maxWaiting);
    this.#alarm = new Alarm(clock, () => this.#tick());
    this.effects = new EffectLog(this.roster, events, (index) => this.kernel.state.targets.states[index]!.key);
    this.kernel = createKernel({
      ...(strategy === undefined ? {} : { strategy }),
      cooldown: policy.cooldown === 'surprise' ? { kind: 'surprise' } : { kind: 'streak', ...policy.cooldown },
      constants,
      pace: store.ledger.opensAt,
      onEffect: this.effects.note,
    });
    this.sessions = new SessionDesk(store.ledger, this.roster, events, clock);
    this.counters = new Counters(clock);
    this.#query = createQuery(random);
    this.#query.want = 2;
    this.#admission = emptyAdmission(this.#candidates);
  }

  now(): Instant {
    return this.#options.clock.now();
  }

  /** A lease, or why there is none now. */
  grant(run: Run): Lease | Refusal {
    const now = this.now();
    const { ledger } = this.#options.store;
    if (this.closed) return { retryAt: now, error: closedError() };
    const suspended = ledger.suspendedUntil(run.target, now);
    if (suspended > 0) return this.#suspended(run, suspended, now);
    if (this.live.size >= this.#options.maxInFlight) return ONLY_A_RELEASE;
    this.#ask(run, now);
    const refusal = run.session === undefined ? this.#rank(run) : this.#rankForSession(run, now);
    this.effects.flush();
    if (refusal !== undefined) return refusal;
    if (this.#candidates.count === 0) return this.#nobody(run, now);
    const result = ledger.admit(this.#admission);
    return result.row < 0 ? { retryAt: later(result.retryAt, now) } : this.#open(run, result, now);
  }

  settled(lease: Lease, outcome: Outcome): Verdict {
    const { parts, target } = lease;
    const { row, targetIndex, policy } = parts;
    const { clock, random, store } = this.#options;
    const now = clock.now();
    const verdict = this.#classify(outcome);
    const action = policy.verdicts[verdict];
    const wallNow = () => clock.wallNow();
    this.live.remove(lease);
    this.kernel.onSettle(row, targetIndex, factOf(outcome, verdict, action, parts.first, wallNow), now, random);
    store.ledger.release(row);
    this.#vacateIfGone(row);
    const askedMs = askedToWait(outcome, verdict, wallNow);
    const pauseMs = this.#restraints.after(target, verdict, action, { now, askedMs }, policy.suspend);
    if (pauseMs > 0) this.suspend(target, now + pauseMs, verdict);
    if (verdict === 'success' || verdict === 'final') this.onCarried();
    if (action.pin === 'break') this.sessions.broken(lease);
    this.counters.record(lease, outcome, verdict, now);
    this.effects.flush();
    if (this.#events.has('settled')) {
      this.#events.emit('settled', { leaseId: lease.id, endpoint: lease.endpoint.id, target, outcome, verdict });
    }
    this.changed();
    return verdict;
  }

  /** Something that a waiting caller may gain by has happened. */
  changed(): void {
    if (this.line.size > 0) this.line.serve();
    this.reschedule();
  }

  reschedule(): void {
    this.#alarm.set(Math.min(this.live.soonest, this.line.soonest));
  }

  suspend(target: Target, until: Instant, why: string): void {
    this.#options.store.ledger.suspend(target, until, why, this.now());
    this.#events.emit('suspended', { target, until, why });
    // Those who cannot wait that long hear of it now rather than at their deadline.
    this.line.recheck(target);
    this.reschedule();
  }

  add(endpoint: Endpoint): boolean {
    if (this.roster.has(endpoint.id)) return false;
    this.roster.put(this.kernel.addRow(this.roster.specOf(endpoint), this.now()), endpoint);
    return true;
  }

  remove(id: EndpointId): Endpoint | undefined {
    const row = this.roster.rowOf(id);
    if (row === undefined) return undefined;
    const endpoint = this.roster.at(row);
    if (this.isHeld(row)) this.#held -= 1;
    this.kernel.retireRow(row, this.now());
    this.#options.store.ledger.forgetRow(row);
    this.roster.forget(id);
    this.#vacateIfGone(row);
    return endpoint;
  }

  hold(row: Row): boolean {
    if (this.isHeld(row)) return false;
    this.#held += 1;
    this.kernel.hold(row, this.now());
    return true;
  }

  resume(row: Row): boolean {
    if (!this.isHeld(row)) return false;
    this.#held = Math.max(0, this.#held - 1);
    this.kernel.resume(row, this.now());
    return true;
  }

  isHeld(row: Row): boolean {
    return this.kernel.state.table.standing[row] === Standing.held;
  }

  /** Whether an endpoint that the run may still use is here, now or later. */
  couldServe(run: Run): boolean {
    const { exclude, endpoint: forced } = run.request;
    const barred = run.tried.size + (exclude?.length ?? 0) + this.#held;
    // The whole roster is gone through only where this cannot tell.
    if (forced === undefined && run.isPlain && this.roster.size > barred) return true;
    return this.roster.some((endpoint, row) => !this.isHeld(row) && suits(endpoint, run));
  }

  /** Fills the query for explanations; the same words as for a grant. */
  queryFor(run: Run): RankQuery {
    this.#ask(run, this.now());
    return this.#query;
  }

  /** Ends every open lease and refuses whoever waits. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.line.failAll(closedError);
    for (const lease of this.live) lease.end('closed');
    this.#alarm.set(Number.POSITIVE_INFINITY);
  }

  #ask(run: Run, now: Instant): void {
    const query = this.#query;
    query.target = this.kernel.internTarget(run.target);
    if (run.policy.minIntervalMs > 0) this.kernel.setConfiguredPace(query.target, run.policy.minIntervalMs);
    query.first = run.tried.size === 0;
    query.triedCount = this.#writeBarred(run);
    query.tags = run.matcher.tags;
    query.allowed = run.matcher.allowed;
    query.demand = this.live.size + this.line.size + 1;
    query.now = now;
    const admission = this.#admission;
    admission.target = query.target;
    admission.targetKey = run.target;
    admission.emissionMs = this.kernel.emissionMs(query.target);
    admission.burstMs = this.kernel.burstMs(query.target);
    admission.session = undefined;
    admission.now = now;
  }

  /** Rows the run has tried or excludes, looked up anew: an endpoint may have left and come back in another row. */
  #writeBarred(run: Run): number {
    const { exclude } = run.request;
    if (run.tried.size === 0 && exclude === undefined) return 0;
    let count = 0;
    const write = (id: EndpointId): void => {
      const row = this.roster.rowOf(id);
      if (row === undefined) return;
      if (count === this.#query.tried.length) this.#query.tried = doubled(this.#query.tried);
      this.#query.tried[count] = row;
      count += 1;
    };
    for (const id of run.tried) write(id);
    for (const id of exclude ?? []) write(id);
    return count;
  }

  #rank(run: Run): undefined {
    const { endpoint: forced } = run.request;
    const row = forced === undefined ? -1 : this.roster.rowOf(forced);
    if (forced === undefined) this.kernel.rank(this.#query, this.#candidates);
    else if (row === undefined) this.#candidates.count = 0;
    else this.kernel.rankOne(row, this.#query, this.#candidates);
    this.#admission.count = this.#candidates.count;
    return undefined;
  }

  #rankForSession(run: Run, now: Instant): Refusal | undefined {
    const choice = this.sessions.choose(run, this.kernel, this.#query, now);
    this.#admission.session = run.session;
    this.#admission.pin = run.pinTerms;
    switch (choice.kind) {
      case 'free':
        this.#query.allowed = choice.allowed ?? this.#query.allowed;
        return this.#rank(run);
      case 'pinned':
        this.kernel.rankOne(choice.row, this.#query, this.#candidates);
        this.#admission.count = this.#candidates.count;
        return undefined;
      case 'wait':
        return { retryAt: later(choice.until, now) };
      case 'lost':
        return { retryAt: now, error: choice.error };
      default:
        return choice satisfies never;
    }
  }

  #open(run: Run, result: AdmitResult, now: Instant): Lease {
    const { row, pin, generation } = result;
    const targetIndex = this.#query.target;
    const { first } = this.#query;
    this.kernel.onAdmit(row, targetIndex, now);
    const endpoint = this.roster.at(row);
    const timeoutMs = Math.min(run.attemptTimeoutMs, run.deadline - now);
    const abandonAfterMs = run.policy.abandon
      ? this.kernel.abandonAfterMs(row, timeoutMs, this.#options.random)
      : timeoutMs;
    const lease = new Lease(this, {
      id: (this.#leases += 1),
      row,
      endpoint,
      target: run.target,
      targetIndex,
      session: run.session,
      generation,
      first,
      since: now,
      policy: run.policy,
      abandonAfterMs,
      hedgeAfterMs: this.kernel.hedgeAfterMs(row),
      idleMs: this.#options.leaseIdleMs,
    });
    this.live.add(lease);
    this.onGranted();
    if (pin === 'new' && run.session !== undefined) this.sessions.bound(run.session, endpoint.id);
    if (this.#events.has('leased'))
      this.#events.emit('leased', { leaseId: lease.id, endpoint: endpoint.id, target: run.target });
    this.reschedule();
    return lease;
  }

  #suspended(run: Run, until: Instant, now: Instant): Refusal {
    if (until < run.deadline) return { retryAt: until };
    return { retryAt: until, error: new TargetSuspendedError(run.target, until, until - now) };
  }

  #nobody(run: Run, now: Instant): Refusal {
    if (!this.couldServe(run)) return { retryAt: now, error: this.exhausted(run) };
    const retryAt = this.kernel.waitUntil(this.#query);
    // Nothing is out that could come back, and nothing ends before the deadline: waiting would change nothing.
    if (this.live.size === 0 && retryAt >= run.deadline) return { retryAt, error: this.exhausted(run, retryAt) };
    return { retryAt: later(retryAt, now) };
  }

  exhausted(run: Run, retryAt?: Instant): PoolExhaustedError {
    const counts: Record<string, number> = {};
    const query = this.queryFor(run);
    for (const [, row] of this.roster) {
      const why = this.kernel.eligibility(row, query);
      counts[why] = (counts[why] ?? 0) + 1;
    }
    return new PoolExhaustedError(run.target, counts, retryAt);
  }

  #classify(outcome: Outcome): Verdict {
    const own = this.#options.classify;
    if (own === undefined) return classify(outcome);
    try {
      return own(outcome) ?? classify(outcome);
    } catch (error) {
      this.#events.emit('listener-error', { event: 'classify', error });
      return classify(outcome);
    }
  }

  #vacateIfGone(row: Row): void {
    if (this.kernel.state.table.standing[row] !== Standing.retired || this.#options.store.ledger.inFlight(row) > 0)
      return;
    this.counters.forget(row);
    this.roster.clear(row);
    this.kernel.vacateRow(row);
  }

  #tick(): void {
    const now = this.now();
    for (const lease of this.live.takeDue(now)) {
      const watchOn = lease.expire(now);
      if (watchOn) this.live.add(lease);
    }
    this.line.expire(now, () => new FairleadError('DEADLINE_EXCEEDED', 'no proxy became free before the deadline'));
    this.changed();
  }
}

function suits(endpoint: Endpoint, { request, tried }: Run): boolean {
  if (tried.has(endpoint.id) || request.exclude?.includes(endpoint.id) === true) return false;
  if (request.endpoint !== undefined && request.endpoint !== endpoint.id) return false;
  return hasAll(endpoint, request.tags ?? []);
}

function emptyAdmission({ rows, limits }: { rows: Int32Array; limits: Int32Array }): AdmitRequest {
  return {
    rows,
    limits,
    count: 0,
    target: 0,
    targetKey: '',
    emissionMs: 0,
    burstMs: 0,
    session: undefined,
    pin: { ttlMs: 0, maxMs: 0, maxUses: 0 },
    now: 0,
  };
}

function doubled(rows: Int32Array): Int32Array {
  const larger = new Int32Array(rows.length * 2);
  larger.set(rows);
  return larger;
}

/** Never the present moment: whoever was refused just now is asked again a little later, not in a hot loop. */
function later(at: Instant, now: Instant): Instant {
  return Math.max(at, now + 1);
}

export function closedError(): FairleadError {
  return new FairleadError('POOL_CLOSED', 'the pool is closed');
}

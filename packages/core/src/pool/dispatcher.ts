import type { RankQuery } from '../kernel/query.js';
import { createKernel, type Kernel } from '../kernel/kernel.js';
import type { Row } from '../kernel/table.js';
import type { AdmitResult } from '../ledger/ledger.js';
import type { Outcome, Verdict } from '../outcome.js';
import type { Policy } from '../policy/presets.js';
import { cooldownRule } from '../policy/cooldown-rule.js';
import { askedToWait, factOf } from '../policy/fact-of.js';
import type { Instant } from '../ports/clock.js';
import type { Target } from '../target.js';
import { Alarm } from './alarm.js';
import { ByteBudgets } from './byte-budgets.js';
import { EffectLog } from './effect-log.js';
import type { Emitter } from './events.js';
import { Judge } from './judge.js';
import { Lease, type LeaseKeeper, type LeaseParts } from './lease.js';
import { LiveList } from './live-list.js';
import { Membership } from './membership.js';
import type { ResolvedOptions } from './options.js';
import { rankRun } from './rank-run.js';
import { MisconfigurationWatch } from './misconfiguration.js';
import { Question } from './question.js';
import { closedError, lateError, ONLY_A_RELEASE, type Refusal } from './refusal.js';
import { Restraints } from './restraints.js';
import { Roster } from './roster.js';
import { openStore } from './open-store.js';
import type { PoolStore } from './pool-store.js';
import type { RecordsLink } from './records-link.js';
import type { Run } from './run.js';
import { SHARED_CANDIDATES, type SharedDesk } from './shared-desk.js';
import { SessionDesk } from './session-desk.js';
import { Counters } from './counters.js';
import { tellLeased, tellSettled } from './told.js';
import { WaitingLine } from './waiters.js';
import { refusedByLimits, refusedBySuspension, refusedForWant } from './want.js';

/** How the question stood that a place was granted for. */
interface Asked {
  readonly targetIndex: number;
  readonly first: boolean;
  readonly sharedId?: string;
}

/** Under which terms something is learned. */
type Learned = Pick<LeaseParts, 'target' | 'targetIndex' | 'policy' | 'first' | 'lasting'>;

/**
 * Carries questions to the kernel and the ledger and their answers back: gives leases out, takes them in, and keeps the
 * line, the timer and the events in step. It decides nothing itself.
 */
export class Dispatcher implements LeaseKeeper {
  readonly roster = new Roster();
  readonly line: WaitingLine;
  readonly kernel: Kernel;
  readonly members: Membership;
  readonly sessions: SessionDesk;
  readonly counters = new Counters();
  readonly effects: EffectLog;
  readonly judge: Judge;
  readonly bytes = new ByteBudgets();
  readonly live = new LiveList<Lease>();
  readonly #options: ResolvedOptions;
  readonly #events: Emitter;
  readonly #alarm: Alarm;
  readonly #restraints = new Restraints();
  readonly #watch = new MisconfigurationWatch();
  readonly question: Question;
  /** Where places are taken when the store is shared. */
  readonly shared: SharedDesk | undefined;
  readonly #link: RecordsLink | undefined;
  /** What everyone is told while what was kept is being read; or for good, when it cannot be. */
  #gate: Refusal | undefined;
  #leases = 0;
  #telling = 0;
  closed = false;
  /** Told of each attempt that starts, and of each that its endpoint carried: what budgets are paid from. */
  onGranted: () => void = () => undefined;
  onCarried: () => void = () => undefined;

  constructor({ options, link, shared }: PoolStore, events: Emitter) {
    const { store, strategy, strategies, policy, clock, constants } = options;
    this.#options = options;
    this.#events = events;
    this.#link = link;
    this.shared = shared;
    this.line = new WaitingLine(options.maxWaiting);
    this.#alarm = new Alarm(clock, () => this.#tick());
    const targetOf = (index: number): string => this.kernel.state.targets.states[index]!.key;
    this.effects = new EffectLog({ roster: this.roster, events, clock, link, targetOf });
    this.kernel = createKernel({
      ...(strategy === undefined ? {} : { strategy }),
      strategies: Object.values(strategies),
      cooldown: cooldownRule(policy),
      constants,
      pace: store.ledger.opensAt,
      alone: shared === undefined,
      onEffect: (kind, row, target, until) => {
        if (kind === 'evicted') this.members.evicted(row);
        this.effects.note(kind, row, target, until);
      },
    });
    this.judge = new Judge(options, events);
    this.members = new Membership({
      roster: this.roster,
      kernel: this.kernel,
      ledger: store.ledger,
      clock,
      vacated: (row) => this.counters.forget(row),
      link,
    });
    const { members, bytes } = this;
    const desk = { ledger: store.ledger, members, bytes, events, clock, policy: () => options.policy };
    this.sessions = new SessionDesk(desk, () => this.changed());
    this.question = new Question(this.kernel, this.roster, options, () => this.inFlight + this.line.wanting + 1);
    if (shared !== undefined) this.question.query.want = SHARED_CANDIDATES;
  }

  /** Until what was kept is back callers wait in line; they hear of it when it cannot be had. */
  open(store: PoolStore): void {
    this.#gate = openStore(store, this, this.#events, (gate) => {
      this.#gate = gate;
      this.changed();
    });
  }

  /** Leases that are out, by the ledger: also those that are just being ended. */
  get inFlight(): number {
    return this.#options.store.ledger.total();
  }

  now(): Instant {
    return this.#options.clock.now();
  }

  /** Keeps the process alive until the answer is called. */
  hold(): (() => void) | undefined {
    return this.#options.clock.hold?.();
  }

  /** What the caller gave us to do; what it throws is an event. */
  guard(what: 'onEnd', work: () => void): void {
    this.#events.guard(what, work);
  }

  /** When the target's suspension ends; 0 when there is none. */
  suspendedUntil(target: Target): Instant {
    return this.#options.store.ledger.suspendedUntil(target, this.now());
  }

  /** How long an attempt through the endpoint may take before it is given up. */
  patienceMs(row: Row, target: Target, policy: Policy, timeoutMs: number): number {
    const index = this.kernel.internTarget(target);
    return policy.abandon ? this.kernel.abandonAfterMs(row, index, timeoutMs, this.#options.random) : timeoutMs;
  }

  /** A lease, or why there is none now. */
  grant(run: Run): Lease | Refusal {
    const answer = this.#decide(run, this.now());
    this.tell();
    return answer;
  }

  /** Only when a work is done: a listener may ask for a lease itself, and the question on the table is made once for all. */
  tell(): void {
    this.effects.flush();
    // Whoever waits for an exit that its session has lost may go on.
    if (this.sessions.flush()) this.changed();
  }

  #decide(run: Run, now: Instant): Lease | Refusal {
    const refusal = this.prepare(run, now);
    if (refusal !== undefined) return refusal;
    const result = this.#options.store.ledger.admit(this.question.admission);
    const { target: targetIndex, first } = this.question.query;
    if (result.row >= 0) {
      this.kernel.onAdmit(result.row, targetIndex, now);
      return this.give(run, result, { targetIndex, first }, now);
    }
    return refusedByLimits(result.retryAt, now);
  }

  /** Puts the run's question and finds candidates for it; or says why there is none. */
  prepare(run: Run, now: Instant, allowed?: (row: Row) => boolean): Refusal | undefined {
    const { ledger } = this.#options.store;
    if (this.closed) return { retryAt: now, error: closedError() };
    if (this.#gate !== undefined) return this.#gate;
    if (now >= run.deadline) return { retryAt: now, error: lateError() };
    const suspended = ledger.suspendedUntil(run.target, now);
    if (suspended > 0) return refusedBySuspension(run, suspended, now);
    if (this.inFlight >= this.#options.maxInFlight) return ONLY_A_RELEASE;
    this.question.ask(run, now, allowed);
    const refusal = rankRun(this, run, now);
    if (refusal !== undefined || this.question.candidates.count > 0) return refusal;
    // Whom the caller would rather avoid serves when nobody else can.
    return run.dropAvoid() ? this.prepare(run, now, allowed) : refusedForWant(this, run, this.question.query);
  }

  settled(lease: Lease, outcome: Outcome): Verdict {
    this.live.remove(lease);
    this.#options.store.ledger.release(lease.parts.row);
    this.shared?.release(lease);
    return this.#learn(lease, outcome, lease.parts);
  }

  expect({ dueAt }: Lease): void {
    this.live.expect(dueAt);
    this.reschedule();
  }

  /** What was seen under a lease that goes on: learned like any attempt, and no place returns. */
  observed(lease: Lease, outcome: Outcome, { target, policy }: Pick<LeaseParts, 'target' | 'policy'>): Verdict {
    const targetIndex = this.kernel.internTarget(target);
    this.kernel.onAdmit(lease.parts.row, targetIndex, this.now(), true);
    return this.#learn(lease, outcome, { target, targetIndex, policy, first: false, lasting: false });
  }

  #learn(lease: Lease, outcome: Outcome, { target, targetIndex, policy, first, lasting }: Learned): Verdict {
    const { row } = lease.parts;
    const { clock, random } = this.#options;
    const now = clock.now();
    const verdict = this.judge.verdictOn(outcome);
    const action = policy.verdicts[verdict];
    const wallNow = () => clock.wallNow();
    const fact = factOf(outcome, verdict, action, { first, overtaken: lease.isOvertaken(now) }, wallNow);
    this.kernel.onSettle(row, targetIndex, fact, now, random);
    // The end of a tenancy is no attempt: those were counted as they were observed.
    if (!lasting) this.counters.record(lease, { target, targetIndex }, outcome, verdict, now);
    const unusedMs = this.kernel.unusedMs(targetIndex, fact);
    if (unusedMs > 0) this.#options.store.ledger.unspend(row, targetIndex, unusedMs);
    const askedMs = askedToWait(outcome, verdict, wallNow);
    // What nobody here could read forgives the target nothing.
    const legible = outcome.kind !== 'response' || outcome.opaque !== true;
    const when = { now, askedMs, paused: this.suspendedUntil(target) > 0 };
    const pauseMs = legible ? this.#restraints.after(target, verdict, action, when, policy.suspend) : 0;
    if (pauseMs > 0) this.suspend(target, now + pauseMs, verdict);
    if (verdict === 'success' || verdict === 'final') this.onCarried();
    if (action.pin === 'break') this.sessions.broken(lease);
    this.#link?.settled(row, targetIndex);
    this.members.vacateIfGone(row);
    // Nobody is given the place before all have heard that it is free.
    this.#telling += 1;
    this.tell();
    tellSettled(this.#events, lease, { at: wallNow, target, outcome, verdict, suspended: pauseMs > 0 });
    const alike = this.#watch.record(lease.endpoint.id, outcome, verdict, this.members.serving);
    if (alike !== undefined) this.#events.emit('pool-misconfigured', { code: alike });
    this.#telling -= 1;
    this.changed();
    return verdict;
  }

  /** Something that a waiting caller may gain by has happened. */
  changed(): void {
    if (this.#telling > 0) return;
    if (this.line.size > 0) this.line.serve();
    this.reschedule();
  }

  reschedule(): void {
    this.#alarm.set(Math.min(this.live.soonest, this.line.soonest, this.#link?.dueAt ?? Number.POSITIVE_INFINITY));
  }

  suspend(target: Target, until: Instant, why: string): void {
    if (!this.#options.store.ledger.suspend(target, until, why, this.now())) {
      return this.#events.emit('bound-reached', { what: 'suspensions' });
    }
    // One that lasts longer stays.
    const forMs = Math.max(until, this.suspendedUntil(target)) - this.now();
    this.#events.emit('suspended', { target, forMs, why });
    // Those who cannot wait that long hear of it now rather than at their deadline.
    this.line.recheck(target);
    this.reschedule();
  }

  /** The options have changed under way: limits hold from now on, for whoever waits too. */
  settingsChanged(): void {
    this.line.bound = this.#options.maxWaiting;
    this.kernel.setCooldown(cooldownRule(this.#options.policy));
  }

  /** The run's question in the kernel's words, for explanations. */
  ask(run: Run): { readonly query: RankQuery; readonly suspendedUntil: Instant } {
    const now = this.now();
    this.question.ask(run, now);
    return { query: this.question.query, suspendedUntil: this.#options.store.ledger.suspendedUntil(run.target, now) };
  }

  /** Ends every open lease and refuses whoever waits. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.line.failAll(closedError);
    for (const lease of Array.from(this.live)) {
      lease.close(this.now());
      this.live.expect(lease.dueAt);
    }
    this.reschedule();
  }

  /** The place is taken, in the ledger and in the kernel: the lease that stands for it. */
  give(run: Run, { row, pin, generation }: AdmitResult, { targetIndex, first, sharedId }: Asked, now: Instant): Lease {
    const endpoint = this.roster.at(row);
    const abandonAfterMs =
      run.tenancyIdleMs === undefined
        ? this.patienceMs(row, run.target, run.policy, Math.min(run.attemptTimeoutMs, run.deadline - now))
        : Number.POSITIVE_INFINITY;
    const lease = new Lease(this, {
      id: (this.#leases += 1),
      row,
      endpoint,
      target: run.target,
      targetIndex,
      session: run.request.session,
      label: run.request.label,
      requestId: run.id,
      attempt: run.ordinal,
      single: run.single,
      pinKey: run.session,
      generation,
      first,
      since: now,
      policy: run.policy,
      abandonAfterMs,
      hedgeAfterMs: this.kernel.hedgeAfterMs(row),
      sharedId,
      lasting: run.tenancyIdleMs !== undefined,
      idleMs: run.tenancyIdleMs ?? this.#options.leaseIdleMs,
      bodyDeadlineMs: run.tenancyIdleMs === undefined ? run.bodyDeadlineMs : Number.POSITIVE_INFINITY,
    });
    this.live.add(lease);
    this.counters.dispatched += 1;
    const spent = this.members.used(row, now);
    if (pin !== 'kept') this.sessions.serves(run, endpoint);
    this.onGranted();
    this.effects.flush();
    tellLeased(this.#events, lease);
    if (pin === 'new' && run.session !== undefined) {
      lease.exitChanged = this.sessions.bound(run.session, endpoint, run.policy.session);
    }
    // Counted before anybody heard of the lease, and told after.
    if (spent !== undefined) this.#events.emit('spent', { endpoint: endpoint.id, why: spent });
    this.reschedule();
    return lease;
  }

  #tick(): void {
    const now = this.now();
    for (const lease of this.live.takeDue(now)) {
      const why = lease.isIdle(now) ? 'idle' : 'abandoned';
      // Looked at again after its end, where nobody has taken notice: that is no second end.
      const news = !lease.ended;
      if (lease.expire(now)) this.live.add(lease);
      if (news) this.#events.emit('lease-ended', { leaseId: lease.id, endpoint: lease.endpoint.id, why });
    }
    this.line.expire(now, lateError);
    this.line.serve();
    this.line.findSoonest();
    this.#link?.tick(now);
    this.reschedule();
  }
}

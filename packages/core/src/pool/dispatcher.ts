import { PoolExhaustedError, TargetSuspendedError } from '../errors.js';
import type { RankQuery } from '../kernel/query.js';
import { createKernel, type Kernel } from '../kernel/kernel.js';
import type { Row } from '../kernel/table.js';
import type { AdmitResult } from '../ledger/ledger.js';
import { isVerdict } from '../outcome-check.js';
import type { Outcome, Verdict } from '../outcome.js';
import { classify } from '../policy/classify.js';
import type { Policy } from '../policy/presets.js';
import { cooldownRule } from '../policy/cooldown-rule.js';
import { askedToWait, factOf } from '../policy/fact-of.js';
import type { Instant } from '../ports/clock.js';
import type { StoreReport } from '../ports/records.js';
import type { Target } from '../target.js';
import { Alarm } from './alarm.js';
import { EffectLog } from './effect-log.js';
import type { Emitter } from './events.js';
import { Lease, type LeaseKeeper, type LeaseParts } from './lease.js';
import { LiveList } from './live-list.js';
import { Membership } from './membership.js';
import type { ResolvedOptions } from './options.js';
import { MisconfigurationWatch } from './misconfiguration.js';
import { Question } from './question.js';
import { closedError, lateError, later, ONLY_A_RELEASE, unusableError, type Refusal } from './refusal.js';
import { Restraints } from './restraints.js';
import { Roster } from './roster.js';
import type { RecordsLink } from './records-link.js';
import type { Run } from './run.js';
import { SessionDesk } from './session-desk.js';
import { Counters } from './counters.js';
import { WaitingLine } from './waiters.js';

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
  readonly counters: Counters;
  readonly effects: EffectLog;
  readonly live = new LiveList<Lease>();
  readonly #options: ResolvedOptions;
  readonly #events: Emitter;
  readonly #alarm: Alarm;
  readonly #restraints = new Restraints();
  readonly #watch = new MisconfigurationWatch();
  readonly #question: Question;
  readonly #link: RecordsLink | undefined;
  /** What everyone is told while what was kept is being read; or for good, when it cannot be. */
  #gate: Refusal | undefined;
  #leases = 0;
  closed = false;
  /** Told of each attempt that starts, and of each that its endpoint carried: what budgets are paid from. */
  onGranted: () => void = () => undefined;
  onCarried: () => void = () => undefined;

  constructor(options: ResolvedOptions, events: Emitter, link?: RecordsLink) {
    const { store, strategy, policy, random, clock, constants } = options;
    this.#options = options;
    this.#events = events;
    this.#link = link;
    this.line = new WaitingLine(options.maxWaiting);
    this.#alarm = new Alarm(clock, () => this.#tick());
    this.effects = new EffectLog(this.roster, events, (index) => this.kernel.state.targets.states[index]!.key, link);
    this.kernel = createKernel({
      ...(strategy === undefined ? {} : { strategy }),
      cooldown: cooldownRule(policy),
      constants,
      pace: store.ledger.opensAt,
      onEffect: this.effects.note,
    });
    this.sessions = new SessionDesk(store.ledger, this.roster, events, clock);
    this.counters = new Counters();
    this.members = new Membership({
      roster: this.roster,
      kernel: this.kernel,
      ledger: store.ledger,
      clock,
      vacated: (row) => this.counters.forget(row),
      link,
    });
    this.#question = new Question(this.kernel, this.roster, random, () => this.inFlight + this.line.size + 1);
  }

  /** Reads what was kept; until it is back, callers wait in line. */
  open(): void {
    const { clock, random } = this.#options;
    const { kernel, roster } = this;
    if (this.#link === undefined) return;
    this.#gate = ONLY_A_RELEASE;
    const report = (event: StoreReport): void => this.#events.emit('store', event);
    const opened = (cause?: Error): void => {
      this.#gate = cause === undefined ? undefined : { retryAt: 0, error: unusableError(cause) };
      this.changed();
    };
    this.#link.start({ kernel, roster, clock, random, report, opened, reschedule: () => this.reschedule() });
  }

  /** Leases that are out, by the ledger: also those that are just being ended. */
  get inFlight(): number {
    return this.#options.store.ledger.total();
  }

  now(): Instant {
    return this.#options.clock.now();
  }

  /** When the target's suspension ends; 0 when there is none. */
  suspendedUntil(target: Target): Instant {
    return this.#options.store.ledger.suspendedUntil(target, this.now());
  }

  /** How long an attempt through the endpoint may take before it is given up. */
  patienceMs(row: Row, policy: Policy, timeoutMs: number): number {
    return policy.abandon ? this.kernel.abandonAfterMs(row, timeoutMs, this.#options.random) : timeoutMs;
  }

  /** A lease, or why there is none now. */
  grant(run: Run): Lease | Refusal {
    const answer = this.#decide(run, this.now());
    // Only now: a listener may ask for a lease itself, and the question on the table is made once for all.
    this.effects.flush();
    return answer;
  }

  #decide(run: Run, now: Instant): Lease | Refusal {
    const { ledger } = this.#options.store;
    if (this.closed) return { retryAt: now, error: closedError() };
    if (this.#gate !== undefined) return this.#gate;
    if (now >= run.deadline) return { retryAt: now, error: lateError() };
    const suspended = ledger.suspendedUntil(run.target, now);
    if (suspended > 0) return this.#suspended(run, suspended, now);
    if (this.inFlight >= this.#options.maxInFlight) return ONLY_A_RELEASE;
    this.#question.ask(run, now);
    const refusal = this.#rank(run, now);
    if (refusal !== undefined) return refusal;
    // Whom the caller would rather avoid serves when nobody else can.
    if (this.#question.candidates.count === 0) return run.dropAvoid() ? this.#decide(run, now) : this.#nobody(run, now);
    const result = ledger.admit(this.#question.admission);
    return result.row < 0 ? { retryAt: later(result.retryAt, now) } : this.#open(run, result, now);
  }

  settled(lease: Lease, outcome: Outcome): Verdict {
    this.live.remove(lease);
    this.#options.store.ledger.release(lease.parts.row);
    return this.#learn(lease, outcome, lease.parts);
  }

  /** What was seen under a lease that goes on: learned like any attempt, and no place returns. */
  observed(lease: Lease, outcome: Outcome, { target, policy }: Pick<LeaseParts, 'target' | 'policy'>): Verdict {
    const targetIndex = this.kernel.internTarget(target);
    this.kernel.onAdmit(lease.parts.row, targetIndex, this.now());
    return this.#learn(lease, outcome, { target, targetIndex, policy, first: false, lasting: false });
  }

  #learn(lease: Lease, outcome: Outcome, { target, targetIndex, policy, first, lasting }: Learned): Verdict {
    const { row, session } = lease.parts;
    const { clock, random } = this.#options;
    const now = clock.now();
    const verdict = this.classify(outcome);
    const action = policy.verdicts[verdict];
    const wallNow = () => clock.wallNow();
    this.kernel.onSettle(row, targetIndex, factOf(outcome, verdict, action, first, wallNow), now, random);
    const askedMs = askedToWait(outcome, verdict, wallNow);
    // What nobody here could read forgives the target nothing.
    const legible = outcome.kind !== 'response' || outcome.opaque !== true;
    const pauseMs = legible ? this.#restraints.after(target, verdict, action, { now, askedMs }, policy.suspend) : 0;
    if (pauseMs > 0) this.suspend(target, now + pauseMs, verdict);
    if (verdict === 'success' || verdict === 'final') this.onCarried();
    if (action.pin === 'break') this.sessions.broken(lease);
    // The end of a tenancy is no attempt: those were counted as they were observed.
    if (!lasting) this.counters.record(row, outcome, verdict);
    this.#link?.settled(row, targetIndex);
    this.members.vacateIfGone(row);
    this.effects.flush();
    if (this.#events.has('settled')) {
      const suspended = pauseMs > 0;
      const endpoint = lease.endpoint.id;
      this.#events.emit('settled', { leaseId: lease.id, endpoint, target, session, outcome, verdict, suspended });
    }
    const alike = this.#watch.record(lease.endpoint.id, outcome, verdict, this.roster.size);
    if (alike !== undefined) this.#events.emit('pool-misconfigured', { code: alike });
    this.changed();
    return verdict;
  }

  /** Something that a waiting caller may gain by has happened. */
  changed(): void {
    if (this.line.size > 0) this.line.serve();
    this.reschedule();
  }

  reschedule(): void {
    this.#alarm.set(Math.min(this.live.soonest, this.line.soonest, this.#link?.dueAt ?? Number.POSITIVE_INFINITY));
  }

  suspend(target: Target, until: Instant, why: string): void {
    this.#options.store.ledger.suspend(target, until, why, this.now());
    this.#events.emit('suspended', { target, until, why });
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
    this.#question.ask(run, now);
    return { query: this.#question.query, suspendedUntil: this.#options.store.ledger.suspendedUntil(run.target, now) };
  }

  /** Ends every open lease and refuses whoever waits. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.line.failAll(closedError);
    const now = this.now();
    for (const lease of Array.from(this.live)) {
      lease.close(now);
      this.live.expect(lease.dueAt);
    }
    this.reschedule();
  }

  #rank(run: Run, now: Instant): Refusal | undefined {
    if (run.session === undefined) return void this.#question.rank(run);
    const choice = this.sessions.choose(run, this.kernel, this.#question.query, now);
    this.#question.admission.session = run.session;
    this.#question.admission.pin = run.pinTerms;
    switch (choice.kind) {
      case 'free':
        this.#question.query.allowed = choice.allowed ?? this.#question.query.allowed;
        return void this.#question.rank(run);
      case 'pinned':
        return void this.#question.rankOne(choice.row);
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
    const targetIndex = this.#question.query.target;
    const { first } = this.#question.query;
    this.kernel.onAdmit(row, targetIndex, now);
    const endpoint = this.roster.at(row);
    const abandonAfterMs =
      run.tenancyIdleMs === undefined
        ? this.patienceMs(row, run.policy, Math.min(run.attemptTimeoutMs, run.deadline - now))
        : Number.POSITIVE_INFINITY;
    const lease = new Lease(this, {
      id: (this.#leases += 1),
      row,
      endpoint,
      target: run.target,
      targetIndex,
      session: run.request.session,
      pinKey: run.session,
      generation,
      first,
      since: now,
      policy: run.policy,
      abandonAfterMs,
      hedgeAfterMs: this.kernel.hedgeAfterMs(row),
      lasting: run.tenancyIdleMs !== undefined,
      idleMs: run.tenancyIdleMs ?? this.#options.leaseIdleMs,
    });
    this.live.add(lease);
    this.onGranted();
    this.effects.flush();
    if (pin === 'new' && run.session !== undefined) lease.exitChanged = this.sessions.bound(run.session, endpoint.id);
    if (this.#events.has('leased')) {
      const leased = { leaseId: lease.id, endpoint: endpoint.id, target: run.target, session: run.request.session };
      this.#events.emit('leased', leased);
    }
    this.reschedule();
    return lease;
  }

  #suspended(run: Run, until: Instant, now: Instant): Refusal {
    if (until < run.deadline) return { retryAt: until };
    return { retryAt: until, error: new TargetSuspendedError(run.target, until, until - now) };
  }

  #nobody(run: Run, now: Instant): Refusal {
    if (!this.members.couldServe(run)) return { retryAt: now, error: this.#exhausted(run) };
    const retryAt = this.kernel.waitUntil(this.#question.query);
    // Nothing is out that could come back, and nothing ends before the deadline: waiting would change nothing.
    if (this.inFlight === 0 && retryAt >= run.deadline) return { retryAt, error: this.#exhausted(run, retryAt) };
    return { retryAt: later(retryAt, now) };
  }

  #exhausted(run: Run, retryAt?: Instant): PoolExhaustedError {
    const counts: Record<string, number> = {};
    this.#question.ask(run, this.now());
    const { query } = this.#question;
    for (const [, row] of this.roster) {
      const why = this.kernel.eligibility(row, query);
      counts[why] = (counts[why] ?? 0) + 1;
    }
    return new PoolExhaustedError(run.target, counts, retryAt);
  }

  /** Whose fault an outcome is. Tells nobody. */
  classify(outcome: Outcome): Verdict {
    const own = this.#options.classify;
    if (own === undefined) return classify(outcome);
    try {
      const verdict = own(outcome);
      if (isVerdict(verdict)) return verdict;
      if (verdict !== undefined) throw new TypeError('the classifier answered no verdict');
      return classify(outcome);
    } catch (error) {
      this.#events.emit('listener-error', { event: 'classify', error });
      return classify(outcome);
    }
  }

  #tick(): void {
    const now = this.now();
    for (const lease of this.live.takeDue(now)) {
      const why = lease.isIdle(now) ? 'idle' : 'abandoned';
      if (lease.expire(now)) this.live.add(lease);
      this.#events.emit('lease-ended', { leaseId: lease.id, endpoint: lease.endpoint.id, why });
    }
    this.line.expire(now, lateError);
    this.line.serve();
    this.line.findSoonest();
    this.#link?.tick(now);
    this.reschedule();
  }
}

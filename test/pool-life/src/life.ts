import {
  createPool,
  FairleadError,
  prometheus,
  toEndpoint,
  type EndpointId,
  type Lease,
  type LeaseRequest,
  type LocalPool,
  type ProxyOptions,
  type Run,
} from '@fairlead/core';
import { manualClock, type ManualClock } from '@fairlead/core/testing';
import { Chance } from './chance.js';
import { Witness } from './witness.js';
import { TARGETS, World } from './world.js';

const PACED_MS = 300;
const IDLE_MS = 40_000;
const GRACE_MS = 1001;
/** Timers set within one event, of which the longest lasts ten minutes: more than this is polling. */
const MOST_TIMERS = 2000;
/** Looks at the clock within one event: more than this is a loop that does not end. */
const MOST_LOOKS = 200_000;
const SESSIONS = ['s1', 's2', 's3', 's4', 's5'];

interface Held {
  readonly run: Run;
  readonly lease: Lease;
  /** When it last showed life. */
  readonly aliveAt: number;
}

interface Waiting {
  readonly run: Run;
  readonly controller: AbortController;
  done: boolean;
}

/** A request whose loop the pool runs. */
interface Running {
  readonly controller: AbortController;
  readonly leases: Lease[];
  done: boolean;
}

/** What a life comes to: how often each thing happened, and a digest that one seed always gives. */
export interface LifeReport {
  readonly counts: Readonly<Record<string, number>>;
  readonly digest: string;
}

/** Lives `events` events of a pool that is treated badly in every way we know of; throws at the first broken promise. */
export async function live(seed: number, events: number): Promise<LifeReport> {
  return new Life(seed).live(events);
}

class Life {
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #clock: ManualClock;
  readonly #pool: LocalPool;
  readonly #witness: Witness;
  readonly #world: World;
  readonly #held: Held[] = [];
  readonly #waiting: Waiting[] = [];
  #running: Running[] = [];
  readonly #old: Lease[] = [];
  readonly #proxies = new Map<EndpointId, ProxyOptions>();
  readonly #paths: number;
  readonly #pendingAttempts: { lease: Lease; finish: (error?: unknown) => void }[] = [];
  #wallStep = 0;
  #timers = 0;
  #looks = 0;
  #names = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#chance = new Chance(seed);
    const clock = manualClock(this.#chance.between(0, 1e9));
    this.#clock = {
      ...clock,
      now: () => {
        this.#looks += 1;
        // Thrown here, for nothing after the event would ever be reached.
        if (this.#looks > MOST_LOOKS) throw this.#spins();
        return clock.now();
      },
      wallNow: () => clock.wallNow() + this.#wallStep,
      schedule: (at, callback) => {
        this.#timers += 1;
        if (this.#timers > 10 * MOST_TIMERS) throw this.#spins();
        return clock.schedule(at, callback);
      },
    };
    const chance = this.#chance;
    this.#paths = chance.of([1, 1, 1, 1, 2, 3]);
    this.#pool = createPool({
      clock: this.#clock,
      random: chance.random,
      leaseIdleMs: IDLE_MS,
      deadlineMs: 30_000,
      maxWaiting: 40,
      maxInFlight: chance.yes(0.3) ? 12 : Number.POSITIVE_INFINITY,
      policy: {
        preset: chance.of(['respectful', 'rotate', 'throughput', 'sticky', 'relay'] as const),
        attemptTimeoutMs: 9000,
        minIntervalMs: 0,
        hedge: { perAttempt: 1 },
        race: { paths: this.#paths, adaptive: chance.yes(0.5) },
        bytes: { perSession: 150_000, perTarget: chance.yes(0.3) ? 5_000_000 : Number.POSITIVE_INFINITY },
        session: {
          contract: chance.of(['prefer', 'prefer', 'prefer', 'same-exit', 'strict'] as const),
          geo: chance.of(['open', 'open', 'closed'] as const),
          keep: chance.of(['forever', 'ttl', 'sliding', 'count'] as const),
          per: 'session',
          always: chance.yes(0.05),
        },
        targets: [{ match: 'paced.example', minIntervalMs: PACED_MS }],
      },
    });
    this.#witness = new Witness(this.#pool, {
      now: () => this.#clock.now(),
      pacedMs: (target) => (target === 'paced.example' ? PACED_MS : 0),
      proxy: (endpoint) => this.#proxies.get(endpoint),
    });
    this.#world = new World(chance);
    this.#listenBadly();
    for (let index = 0; index < 6; index += 1) this.#add();
  }

  async live(events: number): Promise<LifeReport> {
    for (let event = 0; event < events; event += 1) {
      const what = this.#stepped(event);
      await this.#settleDown();
      this.#check();
      if (this.#witness.faults.length > 0) throw this.#broken(event, what);
    }
    await this.#pool.close();
    return { counts: this.#witness.counts, digest: this.#witness.trace.join() };
  }

  /** What the pool throws at its caller is a fault like any other: with the line that brings it back. */
  #stepped(event: number): string {
    try {
      return this.#step();
    } catch (error) {
      throw new Error(`event ${event} threw; reproduce with LIFE_SEED=${this.#seed} npx vitest run pool-life`, {
        cause: error,
      });
    }
  }

  #spins(): Error {
    return new Error(`something spins; reproduce with LIFE_SEED=${this.#seed} npx vitest run pool-life`);
  }

  #broken(event: number, what: string): Error {
    const promises = [...new Set(this.#witness.faults)].join('; ');
    return new Error(
      `${promises} — broken in event ${event} (${what}); reproduce with LIFE_SEED=${this.#seed} npx vitest run pool-life`,
    );
  }

  /** Promises of the pool resolve in a few turns; none of them needs a timer of the platform. */
  async #settleDown(): Promise<void> {
    for (let turn = 0; turn < 12; turn += 1) await undefined;
  }

  #step(): string {
    const roll = this.#chance.below(1000);
    const table: readonly (readonly [until: number, what: string, act: () => void])[] = [
      [260, 'begin', () => this.#begin()],
      [560, 'report', () => this.#report()],
      [620, 'run', () => this.#run()],
      [700, 'finish attempt', () => this.#finishAttempt()],
      [730, 'settle again', () => this.#settleAgain()],
      [750, 'dispose', () => this.#dispose()],
      [770, 'abort', () => this.#abort(this.#waiting)],
      [775, 'call off', () => this.#abort(this.#running)],
      [790, 'add', () => this.#add()],
      [800, 'remove', () => this.#pool.remove(this.#anyId())],
      [806, 'reload', () => this.#reload()],
      [816, 'hold', () => this.#pool.hold(this.#anyId())],
      [834, 'resume', () => this.#pool.resume(this.#anyId())],
      [838, 'suspend', () => this.#pool.suspend(this.#chance.of(TARGETS), this.#chance.between(10, 20_000))],
      [848, 'resume target', () => this.#pool.resumeTarget(this.#chance.of(TARGETS))],
      [856, 'unbind', () => this.#pool.sessions.unbind(this.#chance.of(SESSIONS))],
      [862, 'bind', () => this.#pool.sessions.bind(this.#chance.of(SESSIONS), this.#anyId())],
      [874, 'bytes', () => this.#moveBytes()],
      [878, 'wall clock steps', () => (this.#wallStep += this.#chance.between(-1, 1) * 86_400_000)],
      [960, 'a moment', () => this.#clock.advance(this.#chance.between(0, 400))],
      [994, 'a while', () => this.#clock.advance(this.#chance.between(400, 12_000))],
      [1000, 'long', () => this.#clock.advance(this.#chance.between(12_000, 600_000))],
    ];
    const [, what, act] = table.find(([until]) => roll < until)!;
    act();
    return what;
  }

  #request(): LeaseRequest {
    const chance = this.#chance;
    return {
      target: `https://${chance.of(TARGETS)}/`,
      method: chance.yes(0.8) ? 'GET' : 'POST',
      deadlineMs: chance.between(500, 60_000),
      ...(chance.yes(0.3) ? { session: chance.of(SESSIONS) } : {}),
      ...(chance.yes(0.1) ? { tags: ['eu'] } : {}),
      ...(chance.yes(0.05) ? { country: 'DE' } : {}),
      ...(chance.yes(0.05) ? { label: chance.of(['a', 'b']) } : {}),
      ...(chance.yes(0.05) ? { exclude: [this.#anyId()] } : {}),
    };
  }

  #begin(): void {
    const controller = new AbortController();
    this.#next(this.#pool.begin({ ...this.#request(), signal: controller.signal }), controller);
  }

  #next(run: Run, controller = new AbortController()): void {
    const waiting: Waiting = { run, controller, done: false };
    const triedBefore = new Set(run.tried);
    this.#waiting.push(waiting);
    run.next().then(
      (lease) => {
        waiting.done = true;
        if (run.request.session === undefined) {
          this.#witness.check(!triedBefore.has(lease.endpoint.id), 'a run never tries an endpoint twice');
        }
        if (this.#chance.yes(0.05)) lease.touch();
        this.#held.push({ run, lease, aliveAt: this.#clock.now() });
      },
      (error: unknown) => {
        waiting.done = true;
        this.#witness.check(error instanceof FairleadError, `waiting ends in an error of ours, not ${String(error)}`);
        this.#witness.hides(error, 'error');
        this.#witness.count(error instanceof FairleadError ? error.code : 'unknown error');
      },
    );
  }

  #report(): void {
    const held = this.#takeHeld();
    if (held === undefined) return;
    // Some are never reported: those the pool has to take back by itself.
    if (this.#chance.yes(0.06)) return;
    const { run, lease } = held;
    const outcome = this.#chance.yes(0.05)
      ? ({ kind: 'abandoned', elapsedMs: 1 } as const)
      : this.#world.outcome(lease.endpoint.id, lease.target);
    const decision = run.report(lease, outcome);
    this.#old.push(lease);
    if (decision.kind === 'reroute' || decision.kind === 'replay') this.#next(run);
    if (decision.kind === 'replay') this.#witness.check(run.request.method !== 'POST', 'a POST is not replayed');
  }

  #takeHeld(): Held | undefined {
    const index = this.#chance.below(this.#held.length);
    const [held] = this.#held.splice(index, 1);
    return held;
  }

  /** A request whose loop the pool runs: attempts end when the life says so, or not at all. */
  #run(): void {
    const controller = new AbortController();
    const running: Running = { controller, leases: [], done: false };
    this.#running.push(running);
    const request = { ...this.#request(), signal: controller.signal };
    const mine = running.leases;
    const attempt = (lease: Lease): Promise<string> =>
      new Promise((resolve, reject) => {
        this.#checkPaths(mine, lease, request);
        const finish = (error?: unknown): void => (error === undefined ? resolve('answer') : reject(error as Error));
        if (this.#chance.yes(0.7)) lease.signal.addEventListener('abort', () => reject(lease.signal.reason as Error));
        this.#pendingAttempts.push({ lease, finish });
      });
    const ended = (error?: unknown): void => {
      running.done = true;
      this.#witness.hides(error, 'error');
    };
    this.#pool.run(request, attempt).then(() => ended(), ended);
  }

  #abort(callers: readonly { readonly controller: AbortController }[]): void {
    callers[this.#chance.below(callers.length)]?.controller.abort();
  }

  #checkPaths(mine: Lease[], lease: Lease, request: LeaseRequest): void {
    const again = mine.some(({ endpoint }) => endpoint.id === lease.endpoint.id);
    const keepsExit = request.session !== undefined || this.#pool.policy.session.always;
    this.#witness.check(keepsExit || !again, 'a run never tries an endpoint twice');
    mine.push(lease);
    const out = mine.filter(({ settled }) => !settled).length;
    const hedges = this.#pool.policy.hedge.maxPerRequest;
    const most = request.method === 'POST' || keepsExit ? 1 : this.#paths + hedges;
    this.#witness.check(out <= most, 'no request has more paths out than its policy allows');
  }

  #moveBytes(): void {
    const session = this.#chance.yes(0.5) ? { session: this.#chance.of(SESSIONS) } : {};
    const flow = { endpoint: this.#anyId(), target: this.#chance.of(TARGETS), ...session };
    this.#pool.countBytes(flow, this.#chance.between(0, 400_000));
  }

  #finishAttempt(): void {
    const index = this.#chance.below(this.#pendingAttempts.length);
    const [pending] = this.#pendingAttempts.splice(index, 1);
    if (pending === undefined) return;
    const outcome = this.#world.outcome(pending.lease.endpoint.id, pending.lease.target);
    pending.finish(outcome.kind === 'response' ? undefined : Object.assign(new Error('attempt'), { outcome }));
  }

  #settleAgain(): void {
    const lease = this.#old[this.#chance.below(this.#old.length)];
    if (lease === undefined) return;
    const before = this.#pool.stats().inFlight;
    this.#witness.check(!lease.settle({ kind: 'abandoned', elapsedMs: 0 }), 'a second settle answers false');
    this.#witness.check(this.#pool.stats().inFlight === before, 'a second settle changes nothing');
  }

  #dispose(): void {
    const held = this.#takeHeld();
    held?.lease[Symbol.dispose]();
  }

  #proxy(): ProxyOptions {
    this.#names += 1;
    const maxInFlight = this.#chance.yes(0.3) ? { maxInFlight: 1 + this.#chance.below(3) } : {};
    const tags = this.#chance.yes(0.4) ? { tags: ['eu'] } : {};
    return {
      url: `http://canary-user:canary-pass@p${this.#names}.example:80`,
      ...maxInFlight,
      ...tags,
      ...(this.#chance.yes(0.1) ? { maxRequests: 3 + this.#chance.below(20) } : {}),
      ...(this.#chance.yes(0.1) ? { maxBytes: 1 + this.#chance.below(3_000_000) } : {}),
      ...(this.#chance.yes(0.15)
        ? { rate: { requests: 1 + this.#chance.below(3), perMs: this.#chance.between(200, 6000) } }
        : {}),
      ...(this.#chance.yes(0.7) ? { country: this.#chance.of(['DE', 'FR']) } : {}),
      ...(this.#chance.yes(0.5) ? { exit: this.#chance.of(['192.0.2.1', '192.0.2.2']) } : {}),
    };
  }

  #add(): void {
    if (this.#pool.stats().proxies.total > 14) return;
    const proxy = this.#proxy();
    // Known before it is there: whoever waits is served by it at once.
    this.#proxies.set(toEndpoint(proxy, 'proxy').id, proxy);
    this.#pool.add(proxy);
  }

  /** The same list again without one of them, as a file that was edited. */
  #reload(): void {
    const kept = this.#ids().filter(() => !this.#chance.yes(0.2));
    // Whoever keeps the list names them again: what they had used up begins anew.
    this.#witness.refreshed(kept);
    this.#pool.update({ proxies: kept.map((id) => this.#proxies.get(id)!) });
    this.#add();
  }

  #anyId(): EndpointId {
    const ids = this.#ids();
    return ids.length === 0 ? ('none' as EndpointId) : this.#chance.of(ids);
  }

  #ids(): EndpointId[] {
    return this.#pool.stats().endpoints.map(({ id }) => id);
  }

  #listenBadly(): void {
    const events = ['leased', 'settled', 'cooldown', 'suspended', 'added', 'removed', 'trial'] as const;
    for (const event of events) {
      this.#pool.on(event, () => {
        if (this.#chance.yes(0.02)) throw new Error('a listener of the user');
      });
    }
    // A listener may call into the pool: in the middle of a settle it must find everything in order.
    this.#pool.on('settled', () => {
      if (!this.#chance.yes(0.05)) return;
      this.#pool.tryAcquire({ target: 'calm.example' })?.settle({ kind: 'response', status: 200, latencyMs: 1 });
    });
    // Nor may anything that an operator does from within an event upset what is being done.
    for (const event of ['leased', 'settled', 'unpinned'] as const) {
      this.#pool.on(event, () => this.#meddle());
    }
  }

  #meddle(): void {
    if (!this.#chance.yes(0.01)) return;
    const acts: readonly (() => unknown)[] = [
      () => this.#pool.hold(this.#anyId()),
      () => this.#pool.resume(this.#anyId()),
      () => this.#pool.remove(this.#anyId()),
      () => this.#pool.sessions.unbind(this.#chance.of(SESSIONS)),
      () => this.#pool.resumeTarget(this.#chance.of(TARGETS)),
      () => this.#moveBytes(),
    ];
    this.#chance.of(acts)();
  }

  #check(): void {
    this.#witness.check(this.#timers < MOST_TIMERS, 'nothing waits in a hot loop');
    this.#timers = 0;
    this.#looks = 0;
    const stats = this.#pool.stats();
    const byEndpoint = stats.endpoints.reduce((sum, { inFlight }) => sum + inFlight, 0);
    this.#witness.check(stats.inFlight === this.#witness.open.size, 'in flight are the live leases');
    this.#witness.check(byEndpoint <= stats.inFlight, 'no endpoint counts a lease that is not out');
    for (const { id, inFlight } of stats.endpoints) {
      // An endpoint that left and came back has open leases in its old row.
      this.#witness.check(inFlight <= this.#witness.inFlight(id), 'an endpoint counts its own leases');
    }
    const now = this.#clock.now();
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      const waiting = this.#waiting[index]!;
      if (waiting.done) this.#waiting.splice(index, 1);
      else this.#witness.check(now < waiting.run.deadline, 'waiting ends at the deadline');
    }
    for (const { lease, aliveAt } of this.#held) {
      const late = !lease.settled && now - aliveAt > IDLE_MS + GRACE_MS;
      this.#witness.check(!late, 'a lease without life is taken back');
    }
    this.#checkRunning();
    if (this.#waiting.length > 0 && this.#chance.yes(0.2)) this.#checkNobodySleeps();
    if (this.#chance.yes(0.0004)) this.#checkSecrets();
  }

  #checkRunning(): void {
    for (const { controller, leases, done } of this.#running) {
      this.#witness.check(done || !controller.signal.aborted, 'a request that is called off ends at once');
      const out = done && leases.some(({ settled }) => !settled);
      this.#witness.check(!out, 'a request that has ended leaves no attempt out');
    }
    this.#running = this.#running.filter(({ done }) => !done);
  }

  /** Whatever a user may print. */
  #checkSecrets(): void {
    this.#witness.hides(this.#pool, 'pool');
    this.#witness.hides(this.#pool.stats(), 'picture');
    this.#witness.hides(this.#pool.explain(this.#request()), 'explanation');
    this.#witness.hides(prometheus(this.#pool), 'metric');
    this.#witness.hides(this.#old.at(-1), 'lease');
    this.#witness.hides(this.#waiting.at(-1)?.run, 'run');
  }

  /** Nobody waits beside an endpoint that could serve. */
  #checkNobodySleeps(): void {
    const { run } = this.#chance.of(this.#waiting);
    const stats = this.#pool.stats();
    if (run.request.session !== undefined || run.tried.size > 0 || stats.inFlight >= 12) return;
    const { signal: _signal, ...request } = run.request;
    const { endpoints, suspendedForMs, pinnedTo } = this.#pool.explain(request);
    // Under some policies requests without a session keep an exit too, and wait for it.
    const free = pinnedTo === undefined && suspendedForMs === undefined && endpoints.some(({ why }) => why === 'ok');
    this.#witness.check(!free, 'nobody waits beside an endpoint that could serve');
  }
}

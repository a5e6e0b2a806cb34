import { toEndpoint, type EndpointId, type ProxyInput } from '../endpoint.js';
import type { Policy } from '../policy/presets.js';
import type { Instant } from '../ports/clock.js';
import { toTarget, type Target } from '../target.js';
import { attemptLoop, type Attempt } from './attempt-loop.js';
import { Budget } from './budget.js';
import { closedError, Dispatcher } from './dispatcher.js';
import { Emitter, type PoolEvents, type PoolListener } from './events.js';
import { Lease } from './lease.js';
import { resolveOptions, type PoolOptions, type ResolvedOptions } from './options.js';
import { checkRequest, type LeaseRequest } from './request.js';
import { Run, type RunHost } from './run.js';
import type { SessionDesk } from './session-desk.js';
import { readStats, type PoolStats } from './stats.js';
import { waitForLease } from './wait.js';

/** Makes a pool. Every option has a default; `createPool()` is an empty pool to add proxies to. */
export function createPool(options: PoolOptions = {}): Pool {
  return new Pool(resolveOptions(options));
}

/** What a fresh pool may spend on replays before its first success, and the most that is saved up. */
const BUDGET_RESERVE = 100;

/** The stateful shell over endpoints: it waits, it never decides. */
export class Pool {
  readonly #options: ResolvedOptions;
  readonly #events = new Emitter();
  readonly #dispatcher: Dispatcher;
  readonly #host: RunHost;

  /** @internal */
  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#dispatcher = new Dispatcher(options, this.#events);
    this.#host = runHost(this.#dispatcher, this.#events, options);
    this.add(...options.proxies);
  }

  /** The policy that new requests begin with. */
  get policy(): Policy {
    return this.#options.policy;
  }

  /** Which exit each session keeps. */
  get sessions(): Pick<SessionDesk, 'lookup' | 'bind' | 'unbind' | 'purgeExpired' | 'size'> {
    return this.#dispatcher.sessions;
  }

  /** Adds proxies; one that is there already is left as it is. Answers the ids that are new. */
  add(...proxies: readonly ProxyInput[]): EndpointId[] {
    // All are read before any is added: a list with a mistake in it changes nothing.
    const endpoints = proxies.map((input, index) => toEndpoint(input, `proxies[${index}]`));
    const added = endpoints.filter((endpoint) => this.#dispatcher.members.add(endpoint));
    for (const endpoint of added) this.#events.emit('added', { endpoint });
    if (added.length > 0) this.#dispatcher.changed();
    return added.map(({ id }) => id);
  }

  /** The endpoint is leased no more; open leases on it go on to their end. False when it is not here. */
  remove(id: EndpointId): boolean {
    const endpoint = this.#dispatcher.members.remove(id);
    if (endpoint === undefined) return false;
    this.#events.emit('removed', { endpoint });
    this.#dispatcher.changed();
    return true;
  }

  /** An operator's pause: the endpoint is not leased until resumed. False when it is not here, or held already. */
  hold(id: EndpointId): boolean {
    const row = this.#dispatcher.roster.rowOf(id);
    if (row === undefined || !this.#dispatcher.members.hold(row)) return false;
    this.#events.emit('held', { endpoint: id });
    this.#dispatcher.changed();
    return true;
  }

  /** Ends a hold, or an eviction. */
  resume(id: EndpointId): boolean {
    const row = this.#dispatcher.roster.rowOf(id);
    if (row === undefined || !this.#dispatcher.members.resume(row)) return false;
    this.#events.emit('resumed', { endpoint: id });
    this.#dispatcher.changed();
    return true;
  }

  /** Leaves a target alone, through every endpoint, for so long or until `resumeTarget`. */
  suspend(target: string | URL, forMs: number | 'until-resumed'): void {
    const until: Instant = forMs === 'until-resumed' ? Number.POSITIVE_INFINITY : this.#options.clock.now() + forMs;
    this.#dispatcher.suspend(toTarget(target), until, 'operator');
  }

  /** Ends a suspension. False when there was none. */
  resumeTarget(target: string | URL): boolean {
    const key: Target = toTarget(target);
    if (!this.#options.store.ledger.resume(key)) return false;
    this.#events.emit('target-resumed', { target: key });
    this.#dispatcher.changed();
    return true;
  }

  /** The start of one request, for libraries whose own loop stays in charge. */
  begin(request: LeaseRequest): Run {
    checkRequest(request);
    const { clock, policy, deadlineMs } = this.#options;
    return new Run(this.#host, {
      request,
      target: toTarget(request.target),
      deadline: clock.now() + (request.deadlineMs ?? deadlineMs),
      policy,
      matcher: this.#dispatcher.roster.matcherOf(request),
    });
  }

  /** One lease, for callers who do their own repeating. Settle it. */
  async acquire(request: LeaseRequest): Promise<Lease> {
    return this.begin(request).next();
  }

  /** One lease at once, or undefined. */
  tryAcquire(request: LeaseRequest): Lease | undefined {
    return this.begin(request).tryNext();
  }

  /** Runs `attempt` over one lease after another until it succeeds or the policy says stop. */
  async run<T>(request: LeaseRequest, attempt: Attempt<T>): Promise<T> {
    return attemptLoop(this.begin(request), attempt, this.#options.clock);
  }

  /** Calls back on each event; the answer takes the listener off again. */
  on<K extends keyof PoolEvents>(name: K, listener: PoolListener<K>): () => void {
    return this.#events.on(name, listener);
  }

  /** A picture of now. Reading it changes nothing. */
  stats(): PoolStats {
    return readStats(this.#dispatcher);
  }

  /** Whoever waits is refused, open leases are told to stop; they may still settle. */
  async close(): Promise<void> {
    if (this.#dispatcher.closed) return;
    this.#dispatcher.close();
    await this.#options.store.records.close();
  }
}

function runHost(dispatcher: Dispatcher, events: Emitter, options: ResolvedOptions): RunHost {
  const { clock, store, policy } = options;
  const replays = new Budget(BUDGET_RESERVE);
  const hedges = new Budget(BUDGET_RESERVE / 10);
  dispatcher.onCarried = () => replays.earn(policy.retry.budget);
  dispatcher.onGranted = () => hedges.earn(policy.hedge.perAttempt);
  return {
    now: () => clock.now(),
    tryLease: (run) => {
      const answer = dispatcher.grant(run);
      return answer instanceof Lease ? answer : undefined;
    },
    lease: (run) => (dispatcher.closed ? Promise.reject(closedError()) : waitForLease(dispatcher, run)),
    couldServe: (run) => dispatcher.members.couldServe(run),
    isSuspended: (target) => store.ledger.suspendedUntil(target, clock.now()) > 0,
    rerouted: ({ target }) => {
      dispatcher.counters.rerouted += 1;
      events.emit('rerouted', { target });
    },
    spend: (kind, { target }) => {
      if (!(kind === 'replay' ? replays : hedges).spend()) return false;
      dispatcher.counters[kind === 'replay' ? 'replayed' : 'hedged'] += 1;
      events.emit(kind === 'replay' ? 'replayed' : 'hedged', { target });
      return true;
    },
  };
}

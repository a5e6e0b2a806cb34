import { duration } from '../option-check.js';
import { toEndpoint, type Endpoint, type EndpointId, type ProxyInput } from '../endpoint.js';
import { ConfigurationError, FairleadError } from '../errors.js';
import { policyFor } from '../policy/target-policy.js';
import type { Policy } from '../policy/presets.js';
import type { Instant } from '../ports/clock.js';
import { toTargetUrl, type Target } from '../target.js';
import { attemptLoop, type Attempt } from './attempt-loop.js';
import { Budget } from './budget.js';
import { Dispatcher } from './dispatcher.js';
import { eitherSignal } from './either-signal.js';
import { Emitter, type PoolEvents, type PoolListener } from './events.js';
import { explainRun, type Explanation } from './explain.js';
import { JobQueue, type Job } from './jobs.js';
import { Lease } from './lease.js';
import { resolveOptions, resolveUpdate, type PoolOptions, type PoolUpdate, type ResolvedOptions } from './options.js';
import { RecordsLink } from './records-link.js';
import { closedError } from './refusal.js';
import { checkedRequest, type LeaseRequest } from './request.js';
import { Run, type RunHost } from './run.js';
import type { SessionDesk } from './session-desk.js';
import { readStats, type PoolStats } from './stats.js';
import { Tenancy, tenancyIdleMs, type TenancyOptions } from './tenancy.js';
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
  readonly #link: RecordsLink | undefined;
  readonly #events = new Emitter();
  readonly #dispatcher: Dispatcher;
  readonly #host: RunHost;
  readonly #jobs: JobQueue;

  /** @internal */
  constructor(options: ResolvedOptions) {
    const { records, ledger } = options.store;
    this.#link = records === undefined ? undefined : new RecordsLink(records);
    this.#options = { ...options, store: { ...options.store, ledger: this.#link?.watch(ledger) ?? ledger } };
    this.#dispatcher = new Dispatcher(this.#options, this.#events, this.#link);
    this.#host = runHost(this.#dispatcher, this.#events, this.#options);
    this.#jobs = new JobQueue(options.maxWaiting, (afterMs, callback) =>
      options.clock.schedule(options.clock.now() + afterMs, callback),
    );
    this.#addAll(toEndpoints(options.proxies));
    this.#dispatcher.open();
  }

  /**
   * Resolves once what the store kept is back, at once where it keeps nothing; rejects when the store cannot be used. Nobody
   * has to call it: until then callers wait in line, and `tryAcquire` has nothing.
   */
  async ready(): Promise<void> {
    await this.#link?.ready();
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
    return this.#addAll(toEndpoints(proxies));
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

  /**
   * Changes the pool while it works: `proxies` becomes the whole list (what is new joins, what is missing leaves, what stays
   * keeps its history), the rest holds for requests that begin from now on.
   */
  update(changes: PoolUpdate): void {
    const resolved = resolveUpdate(changes, this.#options);
    // Read before anything is changed: an update with a mistake in it changes nothing.
    const endpoints = changes.proxies === undefined ? undefined : toEndpoints(changes.proxies);
    Object.assign(this.#options, resolved);
    this.#dispatcher.settingsChanged();
    this.#jobs.bound = this.#options.maxWaiting;
    if (endpoints !== undefined) this.#replaceAll(endpoints);
    this.#dispatcher.changed();
  }

  /** Leaves a target alone, through every endpoint, for so long or until `resumeTarget`. */
  suspend(target: string | URL, forMs: number | 'until-resumed'): void {
    if (forMs !== 'until-resumed') duration(forMs, 'forMs');
    const until: Instant = forMs === 'until-resumed' ? Number.POSITIVE_INFINITY : this.#options.clock.now() + forMs;
    this.#dispatcher.suspend(this.#keyOf(target), until, 'operator');
  }

  /** Ends a suspension. False when there was none. */
  resumeTarget(target: string | URL): boolean {
    const key = this.#keyOf(target);
    if (!this.#options.store.ledger.resume(key)) return false;
    this.#events.emit('target-resumed', { target: key });
    this.#dispatcher.changed();
    return true;
  }

  /** The start of one request, for libraries whose own loop stays in charge. */
  begin(input: LeaseRequest): Run {
    return this.#begin(input);
  }

  #begin(input: LeaseRequest, tenancyIdleMs?: number): Run {
    const request = checkedRequest(input);
    if (request.endpoint !== undefined && !this.#dispatcher.roster.has(request.endpoint)) {
      throw new FairleadError('UNKNOWN_ENDPOINT', 'the endpoint asked for is not in the pool');
    }
    const { clock, deadlineMs } = this.#options;
    const { policy, target } = this.#termsOf(request.target);
    return new Run(this.#host, {
      request,
      target,
      deadline: clock.now() + (request.deadlineMs ?? deadlineMs),
      policy,
      matcher: this.#dispatcher.roster.matcherOf(request),
      ...(tenancyIdleMs === undefined ? {} : { tenancyIdleMs }),
    });
  }

  /** A lease that lasts, for many connections through one exit. Settle it; `deadlineMs` bounds the wait for it alone. */
  async tenancy(request: LeaseRequest, options: TenancyOptions = {}): Promise<Tenancy> {
    const run = this.#begin(request, tenancyIdleMs(options));
    return new Tenancy(this.#dispatcher, await run.next(), (target) => this.#termsOf(target));
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

  /** Starts a request that runs on by itself; waits while `maxWaiting` of them are unfinished. */
  async submit<T>(request: LeaseRequest, attempt: Attempt<T>): Promise<Job<T>> {
    const { signal } = checkedRequest(request);
    return this.#jobs.submit((cancel) => this.#job(request, attempt, cancel), signal);
  }

  /** The same without waiting: throws `QUEUE_FULL` when there is no room. */
  trySubmit<T>(request: LeaseRequest, attempt: Attempt<T>): Job<T> {
    return this.#jobs.trySubmit((signal) => this.#job(request, attempt, signal));
  }

  /** Submits each in order; answers once the last has room. */
  async submitBatch<T>(requests: readonly LeaseRequest[], attempt: Attempt<T>): Promise<Job<T>[]> {
    const jobs: Job<T>[] = [];
    for (const request of requests) jobs.push(await this.submit(request, attempt));
    return jobs;
  }

  /** What the pool would do with a request now, and why: every endpoint with its cost or what is in its way. */
  explain(request: LeaseRequest): Explanation {
    return explainRun(this.#dispatcher, this.begin(request));
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
    this.#jobs.failAll(closedError);
    this.#events.emit('closed', {});
    await this.#link?.close();
  }

  #addAll(endpoints: readonly Endpoint[]): EndpointId[] {
    const added = endpoints.filter((endpoint) => this.#dispatcher.members.add(endpoint));
    for (const endpoint of added) this.#events.emit('added', { endpoint });
    if (added.length > 0) this.#dispatcher.changed();
    return added.map(({ id }) => id);
  }

  #replaceAll(endpoints: readonly Endpoint[]): void {
    const wanted = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    const leaving = [...this.#dispatcher.roster].map(([{ id }]) => id).filter((id) => !wanted.has(id));
    for (const endpoint of wanted.values()) this.#change(endpoint);
    this.#addAll([...wanted.values()]);
    for (const id of leaving) this.remove(id);
  }

  #change(endpoint: Endpoint): void {
    const before = this.#dispatcher.members.change(endpoint);
    if (before === undefined || sameCredentials(before, endpoint)) return;
    // The id has no password in it: whoever keeps connections has to hear that this one is another now.
    this.#events.emit('removed', { endpoint: before });
    this.#events.emit('added', { endpoint });
  }

  async #job<T>(input: LeaseRequest, attempt: Attempt<T>, cancel: AbortSignal): Promise<T> {
    const request = checkedRequest(input);
    const { signal, release } = eitherSignal(cancel, request.signal);
    return this.run({ ...request, signal }, attempt).finally(release);
  }

  #termsOf(target: string | URL): { readonly policy: Policy; readonly target: Target } {
    return policyFor(this.#options.policy, toTargetUrl(target));
  }

  #keyOf(target: string | URL): Target {
    // A rule's name is a target too, and no host.
    const named = this.#options.policy.targets.find(({ name }) => name !== undefined && name === target);
    return named?.name ?? this.#termsOf(target).target;
  }
}

function sameCredentials(one: Endpoint, other: Endpoint): boolean {
  return one.url.credentials()?.password === other.url.credentials()?.password;
}

/** All are read before any is used: a list with a mistake in it changes nothing. */
function toEndpoints(proxies: readonly ProxyInput[]): Endpoint[] {
  if (!Array.isArray(proxies)) throw new ConfigurationError('INVALID_OPTION', 'proxies', 'must be a list');
  return proxies.map((input, index) => toEndpoint(input, `proxies[${index}]`));
}

function runHost(dispatcher: Dispatcher, events: Emitter, options: ResolvedOptions): RunHost {
  const { clock, store } = options;
  const replays = new Budget(BUDGET_RESERVE);
  const hedges = new Budget(BUDGET_RESERVE / 10);
  dispatcher.onCarried = () => replays.earn(options.policy.retry.budget);
  dispatcher.onGranted = () => hedges.earn(options.policy.hedge.perAttempt);
  return {
    now: () => clock.now(),
    tryLease: (run) => {
      const answer = dispatcher.grant(run);
      return answer instanceof Lease ? answer : undefined;
    },
    lease: (run) => (dispatcher.closed ? Promise.reject(closedError()) : waitForLease(dispatcher, run)),
    couldServe: (run) => dispatcher.members.couldServe(run),
    classify: (outcome) => dispatcher.classify(outcome),
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

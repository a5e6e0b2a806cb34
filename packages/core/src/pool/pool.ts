import { duration, ofType } from '../option-check.js';
import { toEndpoint, type Endpoint, type EndpointId, type ProxyDefaults, type ProxyInput } from '../endpoint.js';
import { ConfigurationError, FairleadError } from '../errors.js';
import { keyedPolicy, termsOf } from '../policy/target-policy.js';
import type { Policy } from '../policy/presets.js';
import type { Clock, Instant } from '../ports/clock.js';
import type { Target } from '../target.js';
import { attemptLoop, type Attempt } from './attempt-loop.js';
import { countBytes, type ByteFlow } from './byte-count.js';
import { Dispatcher } from './dispatcher.js';
import { eitherSignal } from './either-signal.js';
import { Emitter, type PoolEvents, type PoolListener } from './events.js';
import { explainRun, type Explanation } from './explain.js';
import { JobQueue, type Job } from './jobs.js';
import type { Lease } from './lease.js';
import {
  resolveOptions,
  resolveUpdate,
  type LocalPoolOptions,
  type PoolOptions,
  type PoolUpdate,
  type ResolvedOptions,
} from './options.js';
import { poolStore } from './pool-store.js';
import type { RecordsLink } from './records-link.js';
import { closedError } from './refusal.js';
import { checkedRequest, checkStrategy, type LeaseRequest } from './request.js';
import { Run, type RunHost, type RunParts } from './run.js';
import { runHost } from './run-host.js';
import type { SessionDesk } from './session-desk.js';
import { readStats, type PoolStats } from './stats.js';
import { Tenancy, tenancyIdleMs, type TenancyOptions } from './tenancy.js';

/** A pool whose limits hold in this process: what it has it can give at once. */
export interface LocalPool extends Pool {
  readonly reach: 'local';
}

/** Makes a pool. Every option has a default; `createPool()` is an empty pool to add proxies to. */
export function createPool(options?: LocalPoolOptions): LocalPool;
export function createPool(options: PoolOptions): Pool;
export function createPool(options: PoolOptions = {}): Pool {
  return new Pool(resolveOptions(options));
}

const ASK_FIRST = 'is shared: only `acquire` can ask it, tryAcquire is for stores in this process';

/** The stateful shell over endpoints: it waits, it never decides. */
export class Pool {
  readonly #options: ResolvedOptions;
  readonly #link: RecordsLink | undefined;
  readonly #events = new Emitter();
  readonly #dispatcher: Dispatcher;
  readonly #host: RunHost;
  readonly #jobs: JobQueue;
  #closing: Promise<void> | undefined;
  #requests = 0;
  readonly #termsOf = (target: string | URL): { readonly policy: Policy; readonly target: Target } =>
    termsOf(this.#options.policy, target);

  /** @internal */
  constructor(options: ResolvedOptions) {
    claim(options.store.ledger);
    const store = poolStore(options, this.#events);
    this.#link = store.link;
    this.#options = store.options;
    this.#dispatcher = new Dispatcher(store, this.#events);
    this.#host = runHost(this.#dispatcher, this.#events, this.#options);
    this.#jobs = new JobQueue({
      bound: options.maxWaiting,
      schedule: (afterMs, callback) => options.clock.schedule(options.clock.now() + afterMs, callback),
      full: () => this.#events.emit('bound-reached', { what: 'jobs' }),
    });
    this.#addAll(this.#toEndpoints(options.proxies));
    this.#dispatcher.open(store);
  }

  /**
   * Resolves once what the store kept is back, at once where it keeps nothing; rejects when the store cannot be used. Nobody
   * has to call it: until then callers wait in line, and `tryAcquire` has nothing.
   */
  async ready(): Promise<void> {
    await this.#link?.ready();
  }

  /** How far its limits reach: over this process, or over all who share its store. */
  get reach(): 'local' | 'shared' {
    return this.#options.store.shared === undefined ? 'local' : 'shared';
  }

  /** The policy that new requests begin with. */
  get policy(): Policy {
    return this.#options.policy;
  }

  /** What its summary lines and its router call it. */
  get name(): string {
    return this.#options.name;
  }

  /** How many endpoints may serve: those that are neither removed nor held. */
  get size(): number {
    return this.#dispatcher.members.serving;
  }

  /** @internal */
  get clock(): Clock {
    return this.#options.clock;
  }

  /** @internal */
  get closed(): boolean {
    return this.#dispatcher.closed;
  }

  /** @internal */
  guard(what: 'summary', work: () => void): void {
    this.#events.guard(what, work);
  }

  /** Which exit each session keeps. */
  get sessions(): Pick<SessionDesk, 'lookup' | 'bind' | 'unbind' | 'purgeExpired' | 'size'> {
    return this.#dispatcher.sessions;
  }

  /** Adds proxies; one that is there already is left as it is. Answers the ids that are new. */
  add(...proxies: readonly ProxyInput[]): EndpointId[] {
    return this.#addAll(this.#toEndpoints(proxies));
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
    const endpoints =
      changes.proxies === undefined ? undefined : this.#toEndpoints(changes.proxies, changes.proxyDefaults);
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
    const resumed = this.#dispatcher.bytes.forgive(key);
    if (!this.#options.store.ledger.resume(key) && !resumed) return false;
    this.#events.emit('target-resumed', { target: key });
    this.#dispatcher.changed();
    return true;
  }

  /** The start of one request, for libraries whose own loop stays in charge. */
  begin(request: LeaseRequest): Run {
    return this.#begin(request, {});
  }

  #begin(input: LeaseRequest, kind: Pick<RunParts, 'single' | 'tenancyIdleMs'>): Run {
    const request = checkedRequest(input);
    if (request.endpoint !== undefined && !this.#dispatcher.roster.has(request.endpoint)) {
      throw new FairleadError('UNKNOWN_ENDPOINT', 'the endpoint asked for is not in the pool');
    }
    checkStrategy(request, this.#options);
    const { clock, deadlineMs } = this.#options;
    const { policy, target } = this.#termsOf(request.target);
    return new Run(this.#host, {
      request,
      target,
      deadline: clock.now() + (request.deadlineMs ?? deadlineMs),
      policy,
      matcher: this.#dispatcher.roster.matcherOf(request),
      id: (this.#requests += 1),
      stale: this.#dispatcher.sessions.staleFor(request, target, policy),
      single: kind.single,
      tenancyIdleMs: kind.tenancyIdleMs,
    });
  }

  /** A lease that lasts, for many connections through one exit. Settle it; `deadlineMs` bounds the wait for it alone. */
  async tenancy(request: LeaseRequest, options: TenancyOptions = {}): Promise<Tenancy> {
    const run = this.#begin(request, { tenancyIdleMs: tenancyIdleMs(options) });
    return new Tenancy(this.#dispatcher, await run.next(), this.#termsOf);
  }

  /** One lease, for callers who do their own repeating. Settle it. */
  async acquire(request: LeaseRequest): Promise<Lease> {
    return this.#begin(request, { single: true }).next();
  }

  /** One lease at once, or undefined. */
  tryAcquire(this: LocalPool, request: LeaseRequest): Lease | undefined {
    if (this.reach !== 'local') throw new ConfigurationError('INVALID_OPTION', 'store', ASK_FIRST);
    return this.#begin(request, { single: true }).tryNext();
  }

  /** Runs `attempt` over one lease after another until it succeeds or the policy says stop. */
  async run<T>(request: LeaseRequest, attempt: Attempt<T>): Promise<T> {
    ofType(attempt, 'function', 'attempt');
    return attemptLoop(this.begin(request), attempt, this.#options.clock);
  }

  /** Starts a request that runs on by itself; waits while `maxWaiting` of them are unfinished. */
  async submit<T>(request: LeaseRequest, attempt: Attempt<T>): Promise<Job<T>> {
    ofType(attempt, 'function', 'attempt');
    const { clock } = this.#options;
    const { signal, deadlineMs = this.#options.deadlineMs } = checkedRequest(request);
    const deadline = clock.now() + deadlineMs;
    // The wait for room is part of what the request may take in all.
    const start = (cancel: AbortSignal): Promise<T> =>
      this.#job({ ...request, deadlineMs: Math.max(1, deadline - clock.now()) }, attempt, cancel);
    return this.#jobs.submit(start, signal, deadlineMs);
  }

  /** The same without waiting: throws `QUEUE_FULL` when there is no room. */
  trySubmit<T>(request: LeaseRequest, attempt: Attempt<T>): Job<T> {
    ofType(attempt, 'function', 'attempt');
    return this.#jobs.trySubmit((signal) => this.#job(request, attempt, signal));
  }

  /** Submits each in order; answers once the last has room or is refused. What is refused is told by `result` of its own job. */
  async submitBatch<T>(requests: readonly LeaseRequest[], attempt: Attempt<T>): Promise<Job<T>[]> {
    ofType(attempt, 'function', 'attempt');
    // A mistake in the last must not be found when the first has been sent.
    for (const request of requests) this.begin(request);
    const jobs: Job<T>[] = [];
    for (const request of requests) {
      jobs.push(await this.submit(request, attempt).catch((error: unknown) => this.#jobs.refused<T>(error)));
    }
    return jobs;
  }

  /**
   * Tells of bytes that went through an endpoint, for its `maxBytes` and for the budgets of targets and sessions: the pool
   * itself opens no connection and sees none.
   */
  countBytes(flow: ByteFlow, bytes: number): void {
    countBytes(this.#dispatcher, this.#events, this.#options.policy, flow, bytes);
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
    return readStats(this.name, this.#dispatcher, this.#jobs.waiting);
  }

  /** Whoever waits is refused, open leases are told to stop; they may still settle. Ends once all that is kept is written down. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      let closed: (end: Promise<void>) => void = () => undefined;
      // Known before anybody hears of it: who closes it out of a listener waits for the same end.
      this.#closing = new Promise((resolve) => (closed = resolve));
      closed(this.#close());
    }
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#dispatcher.close();
    this.#jobs.close(closedError);
    this.#events.emit('closed', {});
    await this.#dispatcher.shared?.close();
    await this.#link?.close();
  }

  #toEndpoints(proxies: readonly ProxyInput[], defaults = this.#options.proxyDefaults): Endpoint[] {
    return toEndpoints(proxies, defaults);
  }

  #addAll(endpoints: readonly Endpoint[]): EndpointId[] {
    const added = endpoints.filter((endpoint) => this.#dispatcher.members.add(endpoint));
    for (const endpoint of added) this.#events.emit('added', { endpoint });
    if (added.length > 0) this.#dispatcher.changed();
    return added.map(({ id }) => id);
  }

  #replaceAll(endpoints: readonly Endpoint[]): void {
    const wanted = new Map<EndpointId, Endpoint>();
    // Of an address that stands there twice the first counts, as when it joins.
    for (const endpoint of endpoints) if (!wanted.has(endpoint.id)) wanted.set(endpoint.id, endpoint);
    const leaving = [...this.#dispatcher.roster].map(([{ id }]) => id).filter((id) => !wanted.has(id));
    for (const endpoint of wanted.values()) this.#change(endpoint);
    this.#addAll([...wanted.values()]);
    for (const id of leaving) this.remove(id);
  }

  #change(endpoint: Endpoint): void {
    const { members, roster } = this.#dispatcher;
    const row = roster.rowOf(endpoint.id);
    const rested = row !== undefined && members.heldFor(row) === 'spent';
    const before = members.change(endpoint);
    if (rested) this.#events.emit('resumed', { endpoint: endpoint.id });
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

  /** The same at once, or undefined: also where others share the pool and have to be asked first. */
  tryTenancy(request: LeaseRequest, options: TenancyOptions = {}): Tenancy | undefined {
    if (this.reach !== 'local') return undefined;
    const lease = this.#begin(request, { tenancyIdleMs: tenancyIdleMs(options) }).tryNext();
    return lease === undefined ? undefined : new Tenancy(this.#dispatcher, lease, this.#termsOf);
  }

  #keyOf(target: string | URL): Target {
    return keyedPolicy(this.#options.policy, target).target;
  }
}

function sameCredentials(one: Endpoint, other: Endpoint): boolean {
  return one.url.credentials()?.password === other.url.credentials()?.password;
}

/** All are read before any is used: a list with a mistake in it changes nothing. */
function toEndpoints(proxies: readonly ProxyInput[], defaults: ProxyDefaults): Endpoint[] {
  if (!Array.isArray(proxies)) throw new ConfigurationError('INVALID_OPTION', 'proxies', 'must be a list');
  return proxies.map((input, index) => toEndpoint(input, `proxies[${index}]`, defaults));
}

/** Ledgers that serve a pool. A local one counts by rows: of two pools each would count in the other's. */
const claimed = new WeakSet<object>();

function claim(ledger: object): void {
  if (claimed.has(ledger)) {
    throw new ConfigurationError('INVALID_OPTION', 'store', 'serves another pool already; make one store for each');
  }
  claimed.add(ledger);
}

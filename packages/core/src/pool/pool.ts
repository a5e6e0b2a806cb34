import { toEndpoint, type Endpoint, type EndpointId, type ProxyInput } from '../endpoint.js';
import { FairleadError, PoolExhaustedError } from '../errors.js';
import type { Row } from '../kernel/table.js';
import type { Outcome } from '../outcome.js';
import { classify } from '../policy/classify.js';
import type { Policy } from '../policy/presets.js';
import type { Candidates } from '../ports/ledger.js';
import { toTarget } from '../target.js';
import { Alarm } from './alarm.js';
import { attemptLoop, type Attempt } from './attempt-loop.js';
import { Emitter, type PoolEvents, type PoolListener } from './events.js';
import { Fleet } from './fleet.js';
import { Lease } from './lease.js';
import { resolveOptions, type PoolOptions, type ResolvedOptions } from './options.js';
import { checkRequest, type LeaseRequest } from './request.js';
import { Run, type RunHost } from './run.js';
import { EndpointCounter, type PoolStats } from './stats.js';
import { WaitingLine } from './waiters.js';

/** Makes a pool. Every option has a default; `createPool()` is an empty pool to add proxies to. */
export function createPool(options: PoolOptions = {}): Pool {
  return new Pool(resolveOptions(options));
}

/** The stateful shell over endpoints: it waits, it never decides. */
export class Pool {
  readonly #options: ResolvedOptions;
  readonly #fleet = new Fleet();
  readonly #counters = new Map<EndpointId, EndpointCounter>();
  readonly #events = new Emitter();
  readonly #line: WaitingLine;
  readonly #alarm: Alarm;
  readonly #candidates: Candidates = { rows: new Int32Array(8), count: 0 };
  readonly #host: RunHost;
  #leases = 0;
  #live = 0;
  #closed = false;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#line = new WaitingLine(options.maxWaiting);
    this.#alarm = new Alarm(options.clock, () => this.#tick());
    this.#host = {
      policy: options.policy,
      lease: (run) => this.#lease(run),
      hasUntried: (run) => this.#someRow((row) => this.#isCandidate(run, row)),
    };
    this.add(...options.proxies);
  }

  get policy(): Policy {
    return this.#options.policy;
  }

  /** Adds proxies; one that is there already is left as it is. Answers the ids that are new. */
  add(...proxies: readonly ProxyInput[]): EndpointId[] {
    const added = proxies
      .map((input, index) => toEndpoint(input, `proxies[${index}]`))
      .filter((e) => this.#fleet.add(e));
    for (const endpoint of added) this.#events.emit('added', { endpoint });
    if (added.length > 0) this.#line.serve();
    return added.map(({ id }) => id);
  }

  /** The endpoint is leased no more; open leases on it go on to their end. False when it is not here. */
  remove(id: EndpointId): boolean {
    const row = this.#fleet.retire(id);
    if (row === undefined) return false;
    const endpoint = this.#fleet.at(row);
    if (this.#options.store.ledger.inFlight(row) === 0) this.#fleet.vacate(row);
    this.#counters.delete(id);
    this.#events.emit('removed', { endpoint });
    return true;
  }

  /** The start of one request, for libraries whose own loop stays in charge. */
  begin(request: LeaseRequest): Run {
    checkRequest(request);
    const deadline = this.#options.clock.now() + (request.deadlineMs ?? this.#options.deadlineMs);
    return new Run(this.#host, request, toTarget(request.target), deadline);
  }

  /** One lease, for callers who do their own repeating. Settle it. */
  async acquire(request: LeaseRequest): Promise<Lease> {
    return this.begin(request).next();
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
    const { ledger } = this.#options.store;
    const endpoints = [...this.#fleet].map(({ id }) => {
      const counter = this.#counters.get(id) ?? new EndpointCounter();
      return counter.snapshot(id, ledger.inFlight(this.#fleet.rowOf(id)!));
    });
    const sum = (key: 'attempts' | 'succeeded') => endpoints.reduce((total, stats) => total + stats[key], 0);
    return {
      attempts: sum('attempts'),
      succeeded: sum('succeeded'),
      inFlight: this.#live,
      waiting: this.#line.size,
      endpoints,
    };
  }

  /** Whoever waits is refused; open leases may still settle. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#alarm.set(Number.POSITIVE_INFINITY);
    this.#line.failAll(closedError);
    await this.#options.store.records.close();
  }

  #lease(run: Run): Promise<Lease> {
    if (this.#closed) return Promise.reject(closedError());
    if (run.request.signal?.aborted === true) return Promise.reject(abortedError(run.request.signal));
    const lease = this.#grant(run);
    if (lease !== undefined) return Promise.resolve(lease);
    if (!this.#someRow((row) => this.#isCandidate(run, row))) return Promise.reject(this.#exhausted(run));
    return this.#wait(run);
  }

  #grant(run: Run): Lease | undefined {
    const { strategy, store, clock, random } = this.#options;
    const { ledger } = store;
    const excluded = (row: Row) => !this.#isCandidate(run, row) || ledger.inFlight(row) >= this.#fleet.limits[row]!;
    const query = { excluded, now: clock.now(), random };
    this.#candidates.count = strategy.rank(this.#fleet.table, query, this.#candidates.rows);
    const row = ledger.admit(this.#candidates, this.#fleet.limits);
    return row < 0 ? undefined : this.#open(run, row);
  }

  #open(run: Run, row: Row): Lease {
    const endpoint = this.#fleet.at(row);
    this.#leases += 1;
    this.#live += 1;
    const settle = (lease: Lease, outcome: Outcome) => this.#settle(lease, outcome);
    const since = this.#options.clock.now();
    const lease = new Lease({ id: this.#leases, row, endpoint, target: run.target, since, settle });
    this.#events.emit('leased', { leaseId: lease.id, endpoint: endpoint.id, target: run.target });
    return lease;
  }

  #settle(lease: Lease, outcome: Outcome): void {
    const { id, row, endpoint, target } = lease;
    const verdict = classify(outcome);
    this.#live -= 1;
    this.#options.store.ledger.release(row);
    if (this.#fleet.isRetired(row)) this.#vacateIfIdle(row);
    else this.#counterOf(endpoint).record(outcome, verdict);
    this.#events.emit('settled', { leaseId: id, endpoint: endpoint.id, target, outcome, verdict });
    this.#line.serve();
  }

  #vacateIfIdle(row: Row): void {
    if (this.#options.store.ledger.inFlight(row) === 0) this.#fleet.vacate(row);
  }

  #counterOf({ id }: Endpoint): EndpointCounter {
    const counter = this.#counters.get(id) ?? new EndpointCounter();
    this.#counters.set(id, counter);
    return counter;
  }

  #wait(run: Run): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const { signal } = run.request;
      const finish = () => signal?.removeEventListener('abort', onAbort);
      const waiter = {
        deadline: run.deadline,
        attempt: () => {
          const lease = this.#grant(run);
          if (lease === undefined) return false;
          finish();
          resolve(lease);
          return true;
        },
        fail: (error: Error) => {
          finish();
          reject(error);
        },
      };
      const onAbort = () => {
        this.#line.leave(waiter);
        waiter.fail(abortedError(signal));
      };
      if (!this.#line.join(waiter)) return reject(this.#exhausted(run, 'the waiting line is full'));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#alarm.set(this.#line.nextDeadline());
    });
  }

  #tick(): void {
    this.#line.expire(
      this.#options.clock.now(),
      () => new FairleadError('DEADLINE_EXCEEDED', 'no proxy became free in time'),
    );
    this.#line.serve();
    this.#alarm.set(this.#line.nextDeadline());
  }

  #isCandidate(run: Run, row: Row): boolean {
    if (this.#fleet.isRetired(row)) return false;
    const { id, tags } = this.#fleet.at(row);
    const { endpoint, exclude, tags: wanted } = run.request;
    if (run.tried.has(id) || exclude?.includes(id) === true) return false;
    if (endpoint !== undefined && endpoint !== id) return false;
    return wanted === undefined || wanted.every((tag) => tags.includes(tag));
  }

  #someRow(accepts: (row: Row) => boolean): boolean {
    for (let row = 0; row < this.#fleet.table.size; row += 1) if (accepts(row)) return true;
    return false;
  }

  #exhausted(run: Run, why?: string): PoolExhaustedError {
    const counts: Record<string, number> = why === undefined ? {} : { [why]: 1 };
    const left = this.#fleet.size - run.tried.size;
    if (run.tried.size > 0) counts['tried'] = run.tried.size;
    if (left > 0) counts['not matching'] = left;
    return new PoolExhaustedError(run.target, counts);
  }
}

function closedError(): FairleadError {
  return new FairleadError('POOL_CLOSED', 'the pool is closed');
}

function abortedError(signal: AbortSignal | undefined): FairleadError {
  return new FairleadError('ABORTED', 'the request was aborted', { cause: signal?.reason });
}

import type { EndpointId, Pool, PoolEvents } from '@fairlead/core';

/** Broken promises are collected rather than thrown: a throwing listener is part of the life. */
export class Witness {
  readonly faults: string[] = [];
  readonly counts: Record<string, number> = {};
  /** Open leases by id. */
  readonly open = new Map<number, { readonly endpoint: EndpointId; readonly target: string }>();
  readonly suspended = new Map<string, number>();
  readonly trace: number[] = [];
  readonly #standing = new Map<EndpointId, string>();
  readonly #settled = new Set<number>();
  readonly #pins = new Map<string, EndpointId>();
  readonly #lastUse = new Map<string, number>();
  readonly #pool: Pool;
  readonly #now: () => number;
  readonly #pacedMs: (target: string) => number;
  readonly #limitOf: (endpoint: EndpointId) => number;

  constructor(
    pool: Pool,
    given: { now: () => number; pacedMs: (target: string) => number; limitOf: (endpoint: EndpointId) => number },
  ) {
    this.#pool = pool;
    this.#now = given.now;
    this.#pacedMs = given.pacedMs;
    this.#limitOf = given.limitOf;
    this.#listen(pool);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  check(holds: boolean, promise: string): void {
    if (!holds) this.faults.push(promise);
  }

  inFlight(endpoint: EndpointId): number {
    return [...this.open.values()].filter((lease) => lease.endpoint === endpoint).length;
  }

  #listen(pool: Pool): void {
    pool.on('leased', (event) => this.#leased(event));
    pool.on('settled', (event) => this.#onSettled(event));
    pool.on('added', ({ endpoint }) => this.#standing.set(endpoint.id, 'trial'));
    pool.on('removed', ({ endpoint }) => this.#standing.set(endpoint.id, 'retired'));
    pool.on('cooldown', ({ endpoint, until }) => {
      this.count('cooldown');
      this.check(until > this.#now(), 'a cooldown ends in the future');
      this.#standing.set(endpoint, 'cooling');
    });
    pool.on('trial', ({ endpoint }) => {
      this.count('probation');
      this.check(this.#standing.get(endpoint) === 'cooling', 'only what cools comes back on trial');
      this.#standing.set(endpoint, 'trial');
    });
    pool.on('active', ({ endpoint }) => this.#standing.set(endpoint, 'active'));
    pool.on('held', ({ endpoint }) => this.#standing.set(endpoint, 'held'));
    pool.on('resumed', ({ endpoint }) => this.#standing.set(endpoint, 'resumed'));
    pool.on('suspended', ({ target, until }) => {
      this.count('suspension');
      this.suspended.set(target, Math.max(until, this.suspended.get(target) ?? 0));
    });
    pool.on('target-resumed', ({ target }) => this.suspended.delete(target));
    pool.on('pinned', ({ session, endpoint }) => this.#pins.set(session, endpoint));
    pool.on('unpinned', ({ session, endpoint }) => {
      this.count('pin break');
      this.check(this.#pins.get(session) === endpoint, 'only the newest pin of a session is broken');
    });
    pool.on('hedged', () => this.count('hedge'));
    pool.on('rerouted', () => this.count('reroute'));
    pool.on('replayed', () => this.count('replay'));
    pool.on('lease-ended', ({ why }) => this.count(why === 'idle' ? 'idle expiry' : 'abandonment'));
  }

  #leased({ leaseId, endpoint, target, session }: PoolEvents['leased']): void {
    this.count('lease');
    const now = this.#now();
    const standing = this.#standing.get(endpoint);
    this.check(
      !['cooling', 'held', 'retired'].includes(standing ?? 'unknown'),
      `an endpoint that is ${standing} is not leased`,
    );
    this.open.set(leaseId, { endpoint, target });
    this.check(standing !== 'trial' || this.inFlight(endpoint) === 1, 'an endpoint on trial carries one lease');
    this.check(this.inFlight(endpoint) <= this.#limitOf(endpoint), 'no endpoint carries more than its limit');
    this.check(now >= (this.suspended.get(target) ?? 0), 'a suspended target gets no grant');
    const pair = `${endpoint} ${target}`;
    const since = now - (this.#lastUse.get(pair) ?? Number.NEGATIVE_INFINITY);
    this.check(since >= this.#pacedMs(target) - 1e-6, 'no two grants of a pair are closer than its pace');
    this.#lastUse.set(pair, now);
    const pinned = session === undefined ? undefined : this.#pool.sessions.lookup(session);
    // A pin that this use has used up is gone already.
    this.check(pinned === undefined || pinned === endpoint, 'a session uses the exit it is pinned to');
    this.trace.push(leaseId, Math.round(now), endpoint.length);
  }

  #onSettled({ leaseId, outcome, verdict }: PoolEvents['settled']): void {
    this.check(!this.#settled.has(leaseId), 'a lease is settled once');
    this.check(this.open.has(leaseId), 'what is settled was open');
    this.#settled.add(leaseId);
    this.open.delete(leaseId);
    this.count(verdict);
    this.check(!JSON.stringify(outcome).includes('canary'), 'no outcome shows a credential');
  }
}

import { inspect } from 'node:util';
import type { EndpointId, Pool, PoolEvents, ProxyOptions } from '@fairlead/core';

/** Broken promises are collected rather than thrown: a throwing listener is part of the life. */
export class Witness {
  readonly faults: string[] = [];
  readonly counts: Record<string, number> = {};
  /** Open leases by id. */
  readonly open = new Map<number, { readonly endpoint: EndpointId; readonly target: string }>();
  readonly suspended = new Map<string, number>();
  readonly trace: (number | string)[] = [];
  readonly #standing = new Map<EndpointId, string>();
  readonly #settled = new Set<number>();
  readonly #pins = new Map<string, EndpointId>();
  readonly #lastUse = new Map<string, number>();
  readonly #pool: Pool;
  readonly #now: () => number;
  readonly #pacedMs: (target: string) => number;
  readonly #proxy: (endpoint: EndpointId) => ProxyOptions | undefined;
  /** Grants of each endpoint since its list was last refreshed, by their instants. */
  readonly #uses = new Map<EndpointId, number[]>();
  readonly #grants = new Map<EndpointId, number>();

  constructor(
    pool: Pool,
    given: {
      now: () => number;
      pacedMs: (target: string) => number;
      proxy: (endpoint: EndpointId) => ProxyOptions | undefined;
    },
  ) {
    this.#pool = pool;
    this.#now = given.now;
    this.#pacedMs = given.pacedMs;
    this.#proxy = given.proxy;
    this.#listen(pool);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  check(holds: boolean, promise: string): void {
    if (!holds) this.faults.push(promise);
  }

  /** Neither as JSON nor in an inspection does it show what only a proxy may know. */
  hides(shown: unknown, what: string): void {
    const text = `${inspect(shown, { depth: 6, showHidden: true })} ${JSON.stringify(shown) ?? ''}`;
    this.check(!text.includes('canary'), `no ${what} shows a credential`);
  }

  inFlight(endpoint: EndpointId): number {
    return [...this.open.values()].filter((lease) => lease.endpoint === endpoint).length;
  }

  /** These may carry as many requests again. */
  refreshed(endpoints: readonly EndpointId[]): void {
    for (const endpoint of endpoints) this.#grants.delete(endpoint);
  }

  #listen(pool: Pool): void {
    pool.on('leased', (event) => this.#leased(event));
    pool.on('settled', (event) => this.#onSettled(event));
    pool.on('added', ({ endpoint }) => {
      this.#standing.set(endpoint.id, 'trial');
      this.#grants.delete(endpoint.id);
    });
    pool.on('removed', ({ endpoint }) => this.#standing.set(endpoint.id, 'retired'));
    pool.on('cooldown', ({ endpoint, forMs }) => {
      this.count('cooldown');
      this.check(forMs > 0, 'a cooldown ends in the future');
      this.#standing.set(endpoint, 'cooling');
    });
    pool.on('trial', ({ endpoint }) => {
      this.count('probation');
      this.check(this.#standing.get(endpoint) === 'cooling', 'only what cools comes back on trial');
      this.#standing.set(endpoint, 'trial');
    });
    pool.on('active', ({ endpoint }) => this.#standing.set(endpoint, 'active'));
    pool.on('spent', ({ endpoint }) => {
      this.count('spent');
      this.#standing.set(endpoint, 'spent');
    });
    pool.on('session-spent', () => this.count('session spent'));
    pool.on('held', ({ endpoint }) => this.#standing.set(endpoint, 'held'));
    pool.on('resumed', ({ endpoint }) => {
      this.#standing.set(endpoint, 'resumed');
      this.#grants.delete(endpoint);
    });
    pool.on('suspended', ({ target, forMs }) => {
      this.count('suspension');
      this.suspended.set(target, Math.max(this.#now() + forMs, this.suspended.get(target) ?? 0));
    });
    pool.on('target-resumed', ({ target }) => this.suspended.delete(target));
    pool.on('pinned', ({ endpoint, ...session }) => this.#pins.set(JSON.stringify(session), endpoint));
    pool.on('unpinned', ({ endpoint, ...session }) => {
      this.count('pin break');
      this.check(this.#pins.get(JSON.stringify(session)) === endpoint, 'only the newest pin of a session is broken');
    });
    pool.on('hedged', () => this.count('hedge'));
    pool.on('raced', () => this.count('race'));
    pool.on('rerouted', () => this.count('reroute'));
    pool.on('replayed', () => this.count('replay'));
    pool.on('lease-ended', ({ why }) => this.count(why === 'idle' ? 'idle expiry' : 'abandonment'));
  }

  #leased({ leaseId, endpoint, target, session }: PoolEvents['leased']): void {
    this.count('lease');
    const now = this.#now();
    const standing = this.#standing.get(endpoint);
    this.check(
      !['cooling', 'held', 'spent', 'retired'].includes(standing ?? 'unknown'),
      `an endpoint that is ${standing} is not leased`,
    );
    this.open.set(leaseId, { endpoint, target });
    this.check(standing !== 'trial' || this.inFlight(endpoint) === 1, 'an endpoint on trial carries one lease');
    const proxy = this.#proxy(endpoint);
    const limit = proxy?.maxInFlight ?? Number.POSITIVE_INFINITY;
    this.check(this.inFlight(endpoint) <= limit, 'no endpoint carries more than its limit');
    this.#checkQuota(endpoint, proxy, now);
    this.check(now >= (this.suspended.get(target) ?? 0), 'a suspended target gets no grant');
    const pair = `${endpoint} ${target}`;
    const since = now - (this.#lastUse.get(pair) ?? Number.NEGATIVE_INFINITY);
    this.check(since >= this.#pacedMs(target) - 1e-6, 'no two grants of a pair are closer than its pace');
    this.#lastUse.set(pair, now);
    const pinned = session === undefined ? undefined : this.#pool.sessions.lookup(session);
    // A pin that this use has used up is gone already.
    this.check(pinned === undefined || pinned === endpoint, 'a session uses the exit it is pinned to');
    this.trace.push(leaseId, Math.round(now), endpoint);
  }

  #checkQuota(endpoint: EndpointId, proxy: ProxyOptions | undefined, now: number): void {
    if (proxy?.maxRequests !== undefined) {
      const grants = (this.#grants.get(endpoint) ?? 0) + 1;
      this.#grants.set(endpoint, grants);
      this.check(grants <= proxy.maxRequests, 'no endpoint carries more requests than it may');
    }
    if (proxy?.rate === undefined) return;
    const { requests, perMs } = proxy.rate;
    const uses = (this.#uses.get(endpoint) ?? []).filter((at) => now - at < perMs - 1e-6);
    this.#uses.set(endpoint, [...uses, now]);
    this.check(uses.length < requests, 'no endpoint is used more often in any span than it may');
    this.count('windowed lease');
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

import type { Endpoint, EndpointId } from '../endpoint.js';
import { FairleadError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Eligibility, RankQuery } from '../kernel/query.js';
import type { Row } from '../kernel/table.js';
import type { Pin } from '../ledger/pins.js';
import type { Clock, Instant } from '../ports/clock.js';
import type { Ledger } from '../ports/ledger.js';
import { pinKey } from '../policy/session.js';
import { toTarget } from '../target.js';
import type { Emitter } from './events.js';
import type { Lease } from './lease.js';
import type { Roster } from './roster.js';
import type { Run } from './run.js';

/** Where a session's next attempt may go. */
export type SessionChoice =
  | { readonly kind: 'free'; readonly allowed?: (row: Row) => boolean }
  | { readonly kind: 'pinned'; readonly row: Row }
  | { readonly kind: 'wait'; readonly until: Instant }
  | { readonly kind: 'lost'; readonly error: FairleadError };

/** Sessions whose lost exit is remembered until they take the next. */
const MOST_LOST = 10_000;

const UNTIL_RELEASED: SessionChoice = Object.freeze({ kind: 'wait', until: Number.POSITIVE_INFINITY });
const FREE: SessionChoice = Object.freeze({ kind: 'free' });

/** The sessions of a pool: which exit each keeps, as the ledger holds it. */
export class SessionDesk {
  readonly #ledger: Ledger;
  readonly #roster: Roster;
  readonly #events: Emitter;
  readonly #clock: Clock;
  readonly #lost = new Map<string, EndpointId>();

  constructor(ledger: Ledger, roster: Roster, events: Emitter, clock: Clock) {
    this.#ledger = ledger;
    this.#roster = roster;
    this.#events = events;
    this.#clock = clock;
  }

  get size(): number {
    return this.#ledger.sessions.size;
  }

  /** The exit a session is bound to, if any; name the target where each has its own. Reading prolongs nothing. */
  lookup(session: string, target?: string | URL): EndpointId | undefined {
    const pin = this.#ledger.pinOf(this.#keyOf(session, target), this.#clock.now());
    return pin === undefined ? undefined : this.#roster.at(pin.row).id;
  }

  /** Binds by hand. False when the endpoint is not here. */
  bind(session: string, endpoint: EndpointId, target?: string | URL): boolean {
    const row = this.#roster.rowOf(endpoint);
    if (row === undefined) return false;
    const never = Number.POSITIVE_INFINITY;
    const key = this.#keyOf(session, target);
    this.#ledger.bind(key, row, { ttlMs: never, maxMs: never, maxUses: never }, this.#clock.now());
    this.bound(key, endpoint);
    return true;
  }

  unbind(session: string, target?: string | URL): boolean {
    const key = this.#keyOf(session, target);
    this.#lost.delete(key);
    return this.#ledger.unpin(key);
  }

  /** Forgets pins that have run out; answers how many. */
  purgeExpired(): number {
    const now = this.#clock.now();
    const before = this.#ledger.sessions.size;
    for (const session of this.#ledger.sessions.keys()) this.#ledger.pinOf(session, now);
    return before - this.#ledger.sessions.size;
  }

  /** @internal */
  choose(run: Run, kernel: Kernel, query: RankQuery, now: Instant): SessionChoice {
    const session = run.session!;
    const pin = this.#ledger.pinOf(session, now);
    if (pin === undefined) return FREE;
    const state = kernel.eligibility(pin.row, query);
    if (state === 'ok') return { kind: 'pinned', row: pin.row };
    if (state === 'busy') return UNTIL_RELEASED;
    if (state === 'target-down') return { kind: 'wait', until: kernel.waitUntil(query) };
    if (state === 'paced') {
      return { kind: 'wait', until: this.#ledger.opensAt(pin.row, query.target, kernel.burstMs(query.target)) };
    }
    return this.#leave(run, pin, kernel, query);
  }

  /** @internal The lease's exit failed: the pin goes, unless it is a newer one or the contract keeps it. */
  broken({ parts, endpoint }: Lease): void {
    const { pinKey: session, generation, policy } = parts;
    // Under the other contracts the pin is what remembers which exit it was.
    if (session === undefined || policy.session.contract !== 'prefer') return;
    if (this.#ledger.unpin(session, generation)) this.#remember(session, endpoint.id);
  }

  /** @internal True when the session had another exit before. */
  bound(session: string, to: EndpointId): boolean {
    this.#events.emit('pinned', { session, endpoint: to });
    const from = this.#lost.get(session);
    this.#lost.delete(session);
    if (from === undefined || from === to) return false;
    this.#events.emit('identity-changed', { session, from, to });
    return true;
  }

  /** The pinned exit cannot serve: what the contract makes of that. */
  #leave(run: Run, { row, generation }: Pin, kernel: Kernel, query: RankQuery): SessionChoice {
    const lost = this.#roster.at(row);
    const { contract } = run.policy.session;
    const allowed = contract === 'same-exit' ? this.#sameExit(lost, row) : undefined;
    // Unless another may take over now, the pin stays: it is what remembers which exit it was.
    const stays = contract === 'strict' || (allowed !== undefined && !this.#someOk(allowed, kernel, query));
    if (stays) return { kind: 'lost', error: lostError(run, lost.id, kernel.eligibility(row, query)) };
    if (this.#ledger.unpin(run.session!, generation)) this.#remember(run.session!, lost.id);
    return allowed === undefined ? FREE : { kind: 'free', allowed };
  }

  #sameExit({ exit }: Endpoint, row: Row): (other: Row) => boolean {
    return (other) => other !== row && exit !== undefined && this.#roster.at(other).exit === exit;
  }

  #someOk(allowed: (row: Row) => boolean, kernel: Kernel, query: RankQuery): boolean {
    return this.#roster.some((_, row) => allowed(row) && kernel.eligibility(row, query) === 'ok');
  }

  #keyOf(session: string, target: string | URL | undefined): string {
    return target === undefined ? session : pinKey(session, toTarget(target), { per: 'target' });
  }

  #remember(session: string, endpoint: EndpointId): void {
    const [oldest] = this.#lost.keys();
    if (this.#lost.size >= MOST_LOST && oldest !== undefined) this.#lost.delete(oldest);
    this.#lost.set(session, endpoint);
    this.#events.emit('unpinned', { session, endpoint });
  }
}

function lostError({ request }: Run, endpoint: EndpointId, state: Eligibility): FairleadError {
  const name = JSON.stringify(request.session);
  return new FairleadError('SESSION_LOST', `session ${name} may only use ${endpoint}, which is ${state}`);
}

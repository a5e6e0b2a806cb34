import type { Endpoint, EndpointId } from '../endpoint.js';
import { FairleadError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Eligibility, RankQuery } from '../kernel/query.js';
import type { Row } from '../kernel/table.js';
import type { Pin } from '../ledger/pins.js';
import type { Clock, Instant } from '../ports/clock.js';
import type { Ledger } from '../ports/ledger.js';
import { pinKey, sessionOf, type SessionPolicy } from '../policy/session.js';
import { keyedPolicy } from '../policy/target-policy.js';
import type { Policy } from '../policy/presets.js';
import type { Target } from '../target.js';
import type { ByteBudgets } from './byte-budgets.js';
import type { Emitter } from './events.js';
import { ExitMemory, type Exit, type RememberedExit } from './exit-memory.js';
import type { Lease } from './lease.js';
import type { Membership } from './membership.js';
import { RecentExits } from './recent-exits.js';
import { checkName, type LeaseRequest } from './request.js';
import type { Run } from './run.js';

/** Where a session's next attempt may go. */
export type SessionChoice =
  | { readonly kind: 'free'; readonly allowed?: (row: Row) => boolean }
  | { readonly kind: 'pinned'; readonly row: Row }
  /** The request names another exit, and the contract lets it. */
  | { readonly kind: 'forced' }
  | { readonly kind: 'wait'; readonly until: Instant }
  | { readonly kind: 'lost'; readonly error: FairleadError };

const FORCED: SessionChoice = Object.freeze({ kind: 'forced' });
const FREE: SessionChoice = Object.freeze({ kind: 'free' });
const NOBODY: readonly EndpointId[] = Object.freeze([]);

/** Kept for a while or not at all: the next exit of such a session is to be another. */
const CHANGING: ReadonlySet<SessionPolicy['keep']> = new Set(['ttl', 'count', 'request']);

interface DeskParts {
  readonly ledger: Ledger;
  readonly members: Membership;
  readonly bytes: ByteBudgets;
  readonly events: Emitter;
  readonly clock: Clock;
  /** The pool's own, as it is now. */
  readonly policy: () => Policy;
}

/** The sessions of a pool: which exit each keeps, as the ledger holds it. */
export class SessionDesk {
  readonly #ledger: Ledger;
  readonly #members: Membership;
  readonly #bytes: ByteBudgets;
  readonly #events: Emitter;
  readonly #clock: Clock;
  readonly #policy: () => Policy;
  readonly #freed: () => void;
  readonly #exits = new ExitMemory();
  readonly #recent = new RecentExits();
  /** What sessions have lost in the middle of somebody's being served: told when that is done. */
  #lost: { readonly session: string; readonly endpoint: EndpointId }[] = [];

  /** @param freed told when whoever waits for the exit of a session may go on. */
  constructor({ ledger, members, bytes, events, clock, policy }: DeskParts, freed: () => void) {
    this.#ledger = ledger;
    this.#members = members;
    this.#bytes = bytes;
    this.#events = events;
    this.#clock = clock;
    this.#policy = policy;
    this.#freed = freed;
  }

  /** Those that are remembered, the ones that have run out and were not looked at since included. */
  get size(): number {
    return this.#ledger.sessions.size;
  }

  /** @internal Those that keep an exit now. */
  get live(): number {
    return this.#ledger.livePins(this.#clock.now());
  }

  /** The exit a session is bound to, if any; name the target where each has its own. Reading prolongs nothing. */
  lookup(session: string, target?: string | URL): EndpointId | undefined {
    return this.exitOf(this.#keyOf(session, target));
  }

  /** Binds by hand. False when the endpoint is not here. */
  bind(session: string, endpoint: EndpointId, target?: string | URL): boolean {
    checkName(session, 'session');
    const row = this.#members.roster.rowOf(endpoint);
    if (row === undefined) return false;
    const never = Number.POSITIVE_INFINITY;
    const key = this.#keyOf(session, target);
    this.#ledger.bind(key, row, { ttlMs: never, maxMs: never, maxUses: never }, this.#clock.now());
    this.#bindTo(key, this.#members.roster.at(row), true);
    return true;
  }

  /** Ends the binding: the next request takes any exit, also where the contract had it fail. */
  unbind(session: string, target?: string | URL): boolean {
    const key = this.#keyOf(session, target);
    this.#recent.forget(key);
    const remembered = [this.#exits.forget(key), this.#bytes.forgiveSession(key)].includes(true);
    const unbound = this.#ledger.unpin(key) || remembered;
    if (unbound) this.#freed();
    return unbound;
  }

  /** Forgets pins that have run out; answers how many. */
  purgeExpired(): number {
    const now = this.#clock.now();
    const before = this.#ledger.sessions.size;
    for (const session of this.#ledger.sessions.keys()) this.#ledger.pinOf(session, now);
    return before - this.#ledger.sessions.size;
  }

  /** @internal The same by the ledger's own key. */
  exitOf(key: string): EndpointId | undefined {
    const pin = this.#ledger.pinOf(key, this.#clock.now());
    return pin === undefined ? undefined : this.#members.roster.at(pin.row).id;
  }

  /** @internal The exits that a request's session has had lately, where the policy gives it a fresh one each time. */
  staleFor({ session }: LeaseRequest, target: Target, { session: terms }: Policy): readonly EndpointId[] {
    if (session === undefined || terms.keep !== 'request') return NOBODY;
    return this.#staleOf(pinKey(session, target, terms));
  }

  /** @internal The exit serves the run's session, from now on or this once. */
  serves(run: Run, endpoint: Endpoint): void {
    const { session: terms } = run.policy;
    const { session } = run.request;
    if (session !== undefined && CHANGING.has(terms.keep)) {
      this.#recent.note(pinKey(session, run.target, terms), endpoint.id);
    }
  }

  /** @internal Tells which sessions have lost their exit; true when one has, for others may wait for it. */
  flush(): boolean {
    if (this.#lost.length === 0) return false;
    const lost = this.#lost;
    this.#lost = [];
    for (const { session, endpoint } of lost) this.#events.emit('unpinned', { ...sessionOf(session), endpoint });
    return true;
  }

  /** @internal */
  choose(run: Run, kernel: Kernel, query: RankQuery, now: Instant): SessionChoice {
    const session = run.session!;
    if (this.#bytes.isSpent(session, run.policy.bytes.perSession)) return { kind: 'lost', error: spentError(run) };
    const pin = this.#ledger.pinOf(session, now);
    if (pin === undefined) return this.#unpinned(run, kernel, query);
    const forced = this.#forced(run, pin.row, query);
    if (forced !== undefined) return forced;
    const state = this.#members.eligibility(pin.row, query);
    if (state === 'ok') return { kind: 'pinned', row: pin.row };
    if (!willOpen(state)) return this.#leave(run, pin, query);
    // Should the pin run out before the exit is free, any other will do.
    const until = Math.min(this.#members.opensAtOf(pin.row, kernel, query), pin.expiresAt, pin.endsAt);
    return { kind: 'wait', until };
  }

  /** @internal The lease's exit failed: the pin goes, unless it is a newer one or the contract keeps it. */
  broken({ parts, endpoint }: Lease): void {
    const { pinKey: session, generation, policy } = parts;
    // Where not every exit will do, the pin is what remembers which one it was.
    if (session === undefined || isBound(policy.session)) return;
    if (this.#ledger.unpin(session, generation)) this.#lose(session, endpoint);
  }

  /** @internal True when the session had another exit before. */
  bound(session: string, to: Endpoint, terms: SessionPolicy): boolean {
    return this.#bindTo(session, to, isBound(terms));
  }

  #bindTo(session: string, to: Endpoint, keepsExit: boolean): boolean {
    // In the order in which it happened.
    this.flush();
    const named = sessionOf(session);
    this.#events.emit('pinned', { ...named, endpoint: to.id });
    const from = this.#exits.of(session);
    if (keepsExit) this.#remember(session, to, 'bound');
    else this.#exits.forget(session);
    if (from?.state !== 'lost' || from.id === to.id) return false;
    this.#events.emit('identity-changed', { ...named, from: from.id, to: to.id });
    return true;
  }

  /** Without a pin any exit will do, unless the session had one that only left because its endpoint did. */
  #unpinned(run: Run, kernel: Kernel, query: RankQuery): SessionChoice {
    const { session: terms } = run.policy;
    const exit = isBound(terms) ? this.#exits.of(run.session!) : undefined;
    if (exit === undefined) return this.#another(run, query);
    const row = this.#members.roster.rowOf(exit.id);
    if (row !== undefined && exit.state === 'bound') {
      // It never left: the pin ran out, or was taken off by hand.
      if (this.#members.roster.arrivalOf(row) === exit.arrival) return this.#another(run, query);
      const again = this.#cameAgain(row, exit, kernel, query);
      if (again !== undefined) return again;
    }
    const allowed = this.#standIns(terms, exit, query);
    if (allowed === undefined || !this.#someOk(allowed, query)) {
      return { kind: 'lost', error: lostError(run, exit.id, 'gone') };
    }
    this.#exits.remember(run.session!, exit, 'lost', exit.arrival);
    return { kind: 'free', allowed };
  }

  /** Any exit; one that the session has not had lately, where there is one. */
  #another(run: Run, query: RankQuery): SessionChoice {
    const had = this.#staleOf(run.session!);
    const { allowed: asked } = query;
    const { roster } = this.#members;
    const allowed = (row: Row): boolean => !had.includes(roster.at(row).id) && asked?.(row) !== false;
    return had.length > 0 && this.#someOk(allowed, query) ? { kind: 'free', allowed } : FREE;
  }

  /** Those that were had lately; while there are others, who have not been had for longer. */
  #staleOf(key: string): readonly EndpointId[] {
    return this.#recent.of(key, this.#members.roster.size - 1);
  }

  #keyOf(session: string, target: string | URL | undefined): string {
    if (target === undefined) return session;
    return pinKey(session, keyedPolicy(this.#policy(), target).target, { per: 'target' });
  }

  /** The endpoint of a session's exit left and is here again: that one and no other, unless it is known to lead elsewhere now. */
  #cameAgain(row: Row, before: RememberedExit, kernel: Kernel, query: RankQuery): SessionChoice | undefined {
    const { exit, country } = this.#members.roster.at(row);
    if (!maySame(exit, before.exit) || !maySame(country, before.country)) return undefined;
    const state = this.#members.eligibility(row, query);
    if (state === 'ok') return { kind: 'free', allowed: (other) => other === row };
    return willOpen(state) ? { kind: 'wait', until: this.#members.opensAtOf(row, kernel, query) } : undefined;
  }

  /** What becomes of a request that names an endpoint; undefined where that is the exit its session keeps, or none is named. */
  #forced(run: Run, pinned: Row, query: RankQuery): SessionChoice | undefined {
    const { endpoint } = run.request;
    const exit = this.#members.roster.at(pinned);
    if (endpoint === undefined || endpoint === exit.id) return undefined;
    if (!isBound(run.policy.session)) return FORCED;
    const row = this.#members.roster.rowOf(endpoint);
    const allowed = this.#standIns(run.policy.session, exit, query);
    if (row !== undefined && allowed?.(row) === true) return FORCED;
    return { kind: 'lost', error: lostError(run, exit.id, 'not the endpoint asked for') };
  }

  /** The pinned exit cannot serve: what the contract makes of that. */
  #leave(run: Run, { row, generation }: Pin, query: RankQuery): SessionChoice {
    const lost = this.#members.roster.at(row);
    const terms = run.policy.session;
    if (isBound(terms)) {
      const allowed = this.#standIns(terms, lost, query);
      // Unless another may take over now, the pin stays: it is what remembers which exit it was.
      if (allowed === undefined || !this.#someOk(allowed, query)) {
        return { kind: 'lost', error: lostError(run, lost.id, this.#members.eligibility(row, query)) };
      }
      if (this.#ledger.unpin(run.session!, generation)) this.#lose(run.session!, lost);
      return { kind: 'free', allowed };
    }
    if (this.#ledger.unpin(run.session!, generation)) this.#lose(run.session!, lost);
    return FREE;
  }

  /** Which rows may take a lost exit's place; undefined is none whatever. */
  #standIns({ contract, geo }: SessionPolicy, lost: Exit, { allowed: asked }: RankQuery) {
    if (contract === 'strict') return undefined;
    const { roster } = this.#members;
    return (row: Row): boolean => {
      if (asked !== undefined && !asked(row)) return false;
      const { id, exit, country } = roster.at(row);
      if (id === lost.id) return false;
      // What is not known of an exit is never taken for the same.
      if (contract === 'same-exit' && (exit === undefined || exit !== lost.exit)) return false;
      return geo === 'open' || (country !== undefined && country === lost.country);
    };
  }

  #someOk(allowed: (row: Row) => boolean, query: RankQuery): boolean {
    return this.#members.roster.some((_, row) => allowed(row) && this.#members.eligibility(row, query) === 'ok');
  }

  #lose(session: string, endpoint: Endpoint): void {
    this.#remember(session, endpoint, 'lost');
    this.#lost.push({ session, endpoint: endpoint.id });
  }

  #remember(session: string, endpoint: Endpoint, state: RememberedExit['state']): void {
    const row = this.#members.roster.rowOf(endpoint.id);
    this.#exits.remember(session, endpoint, state, row === undefined ? 0 : this.#members.roster.arrivalOf(row));
  }
}

/** Whether what is in the way ends by itself, soon. */
function willOpen(state: Eligibility): boolean {
  return state === 'busy' || state === 'target-down' || state === 'paced';
}

/** Unless both are known and differ. */
function maySame(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

/** Whether the session may not go on through whatever exit there is. */
function isBound({ contract, geo }: SessionPolicy): boolean {
  return contract !== 'prefer' || geo === 'closed';
}

function spentError({ request, policy }: Run): FairleadError {
  const name = JSON.stringify(request.session ?? '');
  return new FairleadError('BUDGET_SPENT', `session ${name} has moved its ${policy.bytes.perSession} bytes`);
}

function lostError(
  { request }: Run,
  endpoint: EndpointId,
  state: Eligibility | 'gone' | 'not the endpoint asked for',
): FairleadError {
  const name = JSON.stringify(request.session ?? '');
  return new FairleadError('SESSION_LOST', `session ${name} may only use ${endpoint}, which is ${state}`);
}

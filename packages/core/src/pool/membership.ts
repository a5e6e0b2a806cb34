import type { Endpoint, EndpointId } from '../endpoint.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Eligibility, RankQuery } from '../kernel/query.js';
import { blockedUntil } from '../kernel/pairs.js';
import { Standing, type Row } from '../kernel/table.js';
import type { Clock, Instant } from '../ports/clock.js';
import type { Ledger } from '../ports/ledger.js';
import { Quotas, type Spent } from './quotas.js';
import type { RecordsLink } from './records-link.js';
import type { Roster } from './roster.js';
import type { Run } from './run.js';

interface MembershipParts {
  readonly roster: Roster;
  readonly kernel: Kernel;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** The row is about to serve another endpoint: forget what was counted there. */
  readonly vacated: (row: Row) => void;
  /** What is kept of endpoints beyond this pool, if anything is. */
  readonly link: RecordsLink | undefined;
}

/** Why an endpoint is not leased, though it is here: an operator's pause, nothing but failures, or a quota used up. */
export type HeldFor = 'operator' | 'evicted' | 'spent';

/** Who is in the pool: kernel, ledger and roster are told together of whoever comes, pauses and goes. */
export class Membership {
  readonly roster: Roster;
  readonly quotas = new Quotas();
  readonly #kernel: Kernel;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #vacated: (row: Row) => void;
  readonly #held = new Map<Row, HeldFor>();
  readonly #link: RecordsLink | undefined;

  constructor({ roster, kernel, ledger, clock, vacated, link }: MembershipParts) {
    this.roster = roster;
    this.#kernel = kernel;
    this.#ledger = ledger;
    this.#clock = clock;
    this.#vacated = vacated;
    this.#link = link;
  }

  add(endpoint: Endpoint): boolean {
    if (this.roster.has(endpoint.id)) return false;
    const row = this.#kernel.addRow(this.roster.specOf(endpoint), this.#clock.now());
    this.roster.put(row, endpoint);
    this.#link?.joined(row, endpoint);
    this.#refresh(row, endpoint);
    return true;
  }

  /** The endpoint is here already, and its settings may differ: it keeps its history. Answers what it was. */
  change(endpoint: Endpoint): Endpoint | undefined {
    const row = this.roster.rowOf(endpoint.id);
    if (row === undefined) return undefined;
    const before = this.roster.at(row);
    this.roster.put(row, endpoint);
    this.#kernel.setSpec(row, this.roster.specOf(endpoint), this.#clock.now());
    // Whoever keeps the list has named it again: what it had used up begins anew.
    if (this.heldFor(row) === 'spent') this.resume(row);
    else this.#refresh(row, endpoint);
    return before;
  }

  remove(id: EndpointId): Endpoint | undefined {
    const row = this.roster.rowOf(id);
    if (row === undefined) return undefined;
    const endpoint = this.roster.at(row);
    this.#held.delete(row);
    this.quotas.forget(row);
    this.#setGate();
    this.#link?.leaving(row);
    this.#kernel.retireRow(row, this.#clock.now());
    this.#ledger.forgetRow(row);
    this.roster.forget(id);
    this.vacateIfGone(row);
    return endpoint;
  }

  hold(row: Row): boolean {
    if (this.#held.get(row) === 'operator') return false;
    this.#hold(row, 'operator');
    return true;
  }

  resume(row: Row): boolean {
    if (!this.#held.delete(row)) return false;
    this.#kernel.resume(row, this.#clock.now());
    this.#refresh(row, this.roster.at(row));
    return true;
  }

  /** The kernel has put the endpoint away for having nothing but failures. */
  evicted(row: Row): void {
    this.#held.set(row, 'evicted');
  }

  /** Endpoints that nobody holds. */
  get serving(): number {
    return this.roster.size - this.#held.size;
  }

  heldFor(row: Row): HeldFor | undefined {
    return this.#held.get(row);
  }

  /** A lease was granted: the endpoint's quotas count it. Says when that was the last it may carry: it rests now. */
  used(row: Row, now: Instant): Spent | undefined {
    return this.#rest(row, this.quotas.used(row, now));
  }

  /** Bytes went through it. */
  moved(row: Row, bytes: number): Spent | undefined {
    return this.#rest(row, this.quotas.moved(row, bytes));
  }

  /** What the kernel says of the row, with what only the pool knows: a window that is shut is a pace. */
  eligibility(row: Row, query: RankQuery): Eligibility {
    const state = this.#kernel.eligibility(row, query);
    return state === 'unfit' && this.quotas.opensAtOf(row) > query.now ? 'paced' : state;
  }

  /** When what is in the row's way ends by itself; Infinity when only a release or a hand can end it. */
  opensAtOf(row: Row, kernel: Kernel, query: RankQuery): Instant {
    const { table, pairs, targets } = kernel.state;
    switch (this.eligibility(row, query)) {
      case 'paced':
        return Math.max(
          this.#ledger.opensAt(row, query.target, kernel.burstMs(query.target)),
          this.quotas.opensAtOf(row),
        );
      case 'blocked':
        return blockedUntil(pairs, table, row, targets.states[query.target]!);
      case 'cooling':
        return table.epoch + table.coolUntil[row]!;
      case 'target-down':
        return kernel.waitUntil(query);
      default:
        return Number.POSITIVE_INFINITY;
    }
  }

  /** Whether the row is in use: neither held nor resting nor gone. */
  isServing(row: Row): boolean {
    const standing = this.#kernel.state.table.standing[row];
    return standing === Standing.active || standing === Standing.trial;
  }

  /** Whether an endpoint that the run may still use is here, now or later. */
  couldServe(run: Run): boolean {
    const { exclude, endpoint: forced } = run.request;
    const barred = run.tried.size + (exclude?.length ?? 0) + this.#held.size;
    // The whole roster is gone through only where this cannot tell.
    if (forced === undefined && run.isPlain && this.roster.size > barred) return true;
    return this.roster.some((endpoint, row) => !this.#held.has(row) && this.#suits(endpoint, row, run));
  }

  /** Frees the row of an endpoint that has left, once its last lease is back. */
  vacateIfGone(row: Row): void {
    if (this.#kernel.state.table.standing[row] !== Standing.retired || this.#ledger.inFlight(row) > 0) return;
    this.roster.clear(row);
    this.#kernel.vacateRow(row);
    this.#vacated(row);
  }

  #suits(endpoint: Endpoint, row: Row, { request, tried, matcher }: Run): boolean {
    if (tried.has(endpoint.id) || request.exclude?.includes(endpoint.id) === true) return false;
    if (request.endpoint !== undefined && request.endpoint !== endpoint.id) return false;
    return this.roster.answersTo(row, matcher.words);
  }

  #hold(row: Row, why: HeldFor): void {
    this.#held.set(row, why);
    this.#kernel.hold(row, this.#clock.now());
  }

  #rest(row: Row, spent: Spent | undefined): Spent | undefined {
    // What an operator or the kernel has put away stays away for their reason.
    if (spent === undefined || this.#held.has(row)) return undefined;
    this.#hold(row, 'spent');
    return spent;
  }

  #refresh(row: Row, endpoint: Endpoint): void {
    this.quotas.refresh(row, endpoint);
    this.#setGate();
  }

  /** Requests look at windows only where there are any. */
  #setGate(): void {
    this.roster.gate = this.quotas.hasWindows ? this.#windowOpen : undefined;
  }

  readonly #windowOpen = (row: Row): boolean => this.quotas.opensAtOf(row) <= this.#clock.now();
}

import type { Endpoint, EndpointId } from '../endpoint.js';
import type { Kernel } from '../kernel/kernel.js';
import { Standing, type Row } from '../kernel/table.js';
import type { Clock } from '../ports/clock.js';
import type { Ledger } from '../ports/ledger.js';
import type { RecordsLink } from './records-link.js';
import { hasAll, type Roster } from './roster.js';
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

/** Who is in the pool: kernel, ledger and roster are told together of whoever comes, pauses and goes. */
export class Membership {
  readonly roster: Roster;
  readonly #kernel: Kernel;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  #held = 0;

  readonly #vacated: (row: Row) => void;
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
    return true;
  }

  /** The endpoint is here already, and its settings may differ: it keeps its history. Answers what it was. */
  change(endpoint: Endpoint): Endpoint | undefined {
    const row = this.roster.rowOf(endpoint.id);
    if (row === undefined) return undefined;
    const before = this.roster.at(row);
    this.roster.put(row, endpoint);
    this.#kernel.setSpec(row, this.roster.specOf(endpoint), this.#clock.now());
    return before;
  }

  remove(id: EndpointId): Endpoint | undefined {
    const row = this.roster.rowOf(id);
    if (row === undefined) return undefined;
    const endpoint = this.roster.at(row);
    if (this.isHeld(row)) this.#held -= 1;
    this.#link?.leaving(row);
    this.#kernel.retireRow(row, this.#clock.now());
    this.#ledger.forgetRow(row);
    this.roster.forget(id);
    this.vacateIfGone(row);
    return endpoint;
  }

  hold(row: Row): boolean {
    if (this.isHeld(row)) return false;
    this.#held += 1;
    this.#kernel.hold(row, this.#clock.now());
    return true;
  }

  resume(row: Row): boolean {
    if (!this.isHeld(row)) return false;
    this.#held = Math.max(0, this.#held - 1);
    this.#kernel.resume(row, this.#clock.now());
    return true;
  }

  isHeld(row: Row): boolean {
    return this.#kernel.state.table.standing[row] === Standing.held;
  }

  /** Whether the row is in use: neither held nor resting nor gone. */
  isServing(row: Row): boolean {
    const standing = this.#kernel.state.table.standing[row];
    return standing === Standing.active || standing === Standing.trial;
  }

  /** Whether an endpoint that the run may still use is here, now or later. */
  couldServe(run: Run): boolean {
    const { exclude, endpoint: forced } = run.request;
    const barred = run.tried.size + (exclude?.length ?? 0) + this.#held;
    // The whole roster is gone through only where this cannot tell.
    if (forced === undefined && run.isPlain && this.roster.size > barred) return true;
    return this.roster.some((endpoint, row) => !this.isHeld(row) && suits(endpoint, run));
  }

  /** Frees the row of an endpoint that has left, once its last lease is back. */
  vacateIfGone(row: Row): void {
    if (this.#kernel.state.table.standing[row] !== Standing.retired || this.#ledger.inFlight(row) > 0) return;
    this.roster.clear(row);
    this.#kernel.vacateRow(row);
    this.#vacated(row);
  }
}

function suits(endpoint: Endpoint, { request, tried }: Run): boolean {
  if (tried.has(endpoint.id) || request.exclude?.includes(endpoint.id) === true) return false;
  if (request.endpoint !== undefined && request.endpoint !== endpoint.id) return false;
  return hasAll(endpoint, request.tags ?? []);
}

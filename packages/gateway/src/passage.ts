import type { Endpoint, EndpointId, Lease, LeaseRequest, Outcome, Pool, Run, Tenancy } from '@fairlead/core';
import type { Cancellation } from './cancellation.js';
import { dialTimeOf } from './dial-time.js';
import type { Seat } from './holding.js';
import type { Ticket, TunnelJudge } from './ticket.js';

/** The right to one attempt at a request: through an endpoint, or without one where a rule says so. */
export interface Permit {
  readonly endpoint: Endpoint | undefined;
  readonly session: string | undefined;
  readonly signal: AbortSignal;
  /** How long a connection may take to be made, if one has to be. */
  readonly dialMs: number;
  touch(): void;
}

/** How one request gets its attempts, one after another, and who hears of each. */
export interface Passage {
  readonly attempts: number;
  next(): Promise<Permit>;
  /** The head of an answer is here. True: it is not delivered, the request goes another way. */
  answered(outcome: Outcome, mayRepeat: boolean): boolean;
  /** The answer was delivered, or broke. */
  ended(outcome: Outcome): void;
  /** No answer came. True: the request may go another way. */
  failed(outcome: Outcome, mayRepeat: boolean): boolean;
}

/** By runs of the pool: each attempt is a lease, the policy repeats. */
export class RunPassage implements Passage {
  readonly #pool: Pool;
  readonly #run: Run;
  readonly #deadline: number;
  #lease: Lease | undefined;
  #attempts = 0;

  constructor(pool: Pool, request: LeaseRequest, timeoutMs: number) {
    this.#pool = pool;
    this.#run = pool.begin(request);
    this.#deadline = performance.now() + timeoutMs;
  }

  get attempts(): number {
    return this.#attempts;
  }

  async next(): Promise<Permit> {
    const lease = await this.#run.next();
    this.#lease = lease;
    this.#attempts += 1;
    const { endpoint, signal } = lease;
    const left = Math.min(lease.abandonAfterMs, this.#deadline - performance.now());
    const { session } = this.#run.request;
    return { endpoint, signal, session, dialMs: dialTimeOf(this.#pool, left), touch: () => lease.touch() };
  }

  answered(outcome: Outcome, mayRepeat: boolean): boolean {
    if (mayRepeat && this.#run.mayRepeat(outcome)) return isAgain(this.#run, this.#lease!, outcome);
    this.#run.delivered();
    return false;
  }

  ended(outcome: Outcome): void {
    this.#lease?.settle(outcome);
  }

  failed(outcome: Outcome, mayRepeat: boolean): boolean {
    return isAgain(this.#run, this.#lease!, outcome) && mayRepeat;
  }
}

function isAgain(run: Run, lease: Lease, outcome: Outcome): boolean {
  const { kind } = run.report(lease, outcome);
  return kind === 'reroute' || kind === 'replay';
}

/** By a ticket's tenancy. Its holder has a loop of its own: only what was never sent goes another way. */
export class TicketPassage implements Passage {
  readonly #pool: Pool;
  readonly #ticket: Ticket;
  readonly #target: URL;
  readonly #deadline: number;
  readonly #gone: Cancellation;
  #seat: Seat | undefined;
  #leaving = new AbortController();
  #judge: TunnelJudge | undefined;
  #attempts = 0;

  constructor(pool: Pool, ticket: Ticket, target: URL, timeoutMs: number, gone: Cancellation) {
    this.#pool = pool;
    this.#ticket = ticket;
    this.#target = target;
    this.#deadline = performance.now() + timeoutMs;
    this.#gone = gone;
  }

  get attempts(): number {
    return this.#attempts;
  }

  async next(): Promise<Permit> {
    const leaving = new AbortController();
    this.#leaving = leaving;
    const seat = await this.#ticket.holdingFor(this.#target).take({
      target: this.#target,
      deadlineMs: Math.max(1, this.#deadline - performance.now()),
      gone: this.#gone,
      close: () => leaving.abort(),
    });
    const { tenancy } = seat;
    this.#seat = seat;
    this.#judge = this.#ticket.opened(tenancy, this.#target);
    this.#attempts += 1;
    const { endpoint } = tenancy;
    const { session } = this.#ticket;
    const dialMs = tenancy.patienceMs(dialTimeOf(this.#pool, this.#deadline - performance.now()));
    return { endpoint, signal: leaving.signal, session, dialMs, touch: () => tenancy.touch() };
  }

  answered(outcome: Outcome): boolean {
    if (this.#ticket.reports) this.#judge?.carried(elapsedOf(outcome));
    else this.#observe(outcome);
    return false;
  }

  ended(outcome: Outcome): void {
    if (outcome.kind === 'failure') this.#observe(outcome);
    this.#leave();
  }

  failed(outcome: Outcome, mayRepeat: boolean): boolean {
    const moved = this.#leaving.signal.aborted || this.#observe(outcome);
    this.#leave();
    return moved && mayRepeat && outcome.kind === 'failure' && outcome.sent === 'nothing';
  }

  #observe(outcome: Outcome): boolean {
    const tenancy: Tenancy | undefined = this.#seat?.tenancy;
    // The exit was left and this request cut off by ourselves: that is nobody's failure.
    if (this.#leaving.signal.aborted) return false;
    return tenancy !== undefined && this.#ticket.holdingFor(this.#target).observe(tenancy, outcome, this.#target);
  }

  #leave(): void {
    this.#seat?.release();
    this.#judge?.closed();
    this.#judge = undefined;
  }
}

/** Without a proxy: once, and nobody is told. */
export class DirectPassage implements Passage {
  readonly attempts = 1;

  next(): Promise<Permit> {
    const { signal } = new AbortController();
    const dialMs = Number.POSITIVE_INFINITY;
    return Promise.resolve({ endpoint: undefined, session: undefined, signal, dialMs, touch: () => undefined });
  }

  answered(): boolean {
    return false;
  }

  ended(): void {}

  failed(): boolean {
    return false;
  }
}

function elapsedOf(outcome: Outcome): number {
  return outcome.kind === 'response' ? outcome.latencyMs : outcome.elapsedMs;
}

/** The exit of a permit, as the log names it. */
export function exitOf({ endpoint }: Permit): EndpointId | 'direct' {
  return endpoint?.id ?? 'direct';
}

import type {
  Endpoint,
  EndpointId,
  FailureOutcome,
  Lease,
  LeaseRequest,
  Outcome,
  Pool,
  Run,
  Tenancy,
} from '@fairlead/core';
import { Cancellation } from './cancellation.js';
import { Search, type Hearsay } from './hearsay.js';
import { dialTimeOf } from './dial-time.js';
import type { Seat } from './holding.js';
import { Refusal } from './refusal.js';
import type { Ticket, TunnelJudge } from './ticket.js';

/** The right to one attempt at a request: through an endpoint, or without one where a rule says so. */
export interface Permit {
  readonly endpoint: Endpoint | undefined;
  readonly session: string | undefined;
  /** Calls back when the attempt is to end: its exit is left, or its time is up. */
  onEnd(callback: () => void): void;
  /** How long a connection may take to be made, if one has to be. */
  readonly dialMs: number;
  /** Bytes of the answer moved. */
  touch(): void;
  /** Bytes of the request moved. */
  readonly sent?: () => void;
  /** Without an endpoint: over a connection that was used before, if there is one. */
  readonly reuse?: boolean;
}

/** How one request gets its attempts, one after another, and who hears of each. */
export interface Passage {
  readonly attempts: number;
  next(): Permit | Promise<Permit>;
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

  next(): Permit | Promise<Permit> {
    const lease = this.#run.take();
    return lease instanceof Promise ? lease.then((late) => this.#permit(late)) : this.#permit(lease);
  }

  #permit(lease: Lease): Permit {
    this.#lease = lease;
    this.#attempts += 1;
    const dialMs = dialTimeOf(this.#pool, this.#deadline - performance.now(), lease.abandonAfterMs);
    return new LeasePermit(lease, this.#run.request.session, dialMs);
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

class LeasePermit implements Permit {
  readonly endpoint: Endpoint;
  readonly session: string | undefined;
  readonly dialMs: number;
  readonly #lease: Lease;

  constructor(lease: Lease, session: string | undefined, dialMs: number) {
    this.endpoint = lease.endpoint;
    this.session = session;
    this.dialMs = dialMs;
    this.#lease = lease;
  }

  onEnd(callback: () => void): void {
    this.#lease.onEnd(callback);
  }

  touch(): void {
    this.#lease.touch();
  }
}

function isAgain(run: Run, lease: Lease, outcome: Outcome): boolean {
  const { kind } = run.report(lease, outcome);
  return kind === 'reroute' || kind === 'replay';
}

interface SearchParts {
  readonly hearsay: Hearsay;
  readonly connectTimeoutMs: number;
  readonly pool: Pool;
}

/** By a ticket's tenancy. Its holder has a loop of its own: only what was never sent goes another way. */
export class TicketPassage implements Passage {
  readonly #ticket: Ticket;
  readonly #target: URL;
  readonly #search: Search;
  readonly #gone: Cancellation;
  /** Its holder does not visit the target: what becomes of it says nothing. */
  readonly #aside: boolean;
  #seat: Seat | undefined;
  #leaving = new Cancellation();
  #judge: TunnelJudge | undefined;
  #missed: Refusal | undefined;
  #attempts = 0;

  constructor(ticket: Ticket, target: URL, gone: Cancellation, { pool, hearsay, connectTimeoutMs }: SearchParts) {
    this.#ticket = ticket;
    this.#target = target;
    const holding = ticket.holdingFor(target);
    const timeoutMs = Math.min(connectTimeoutMs, ticket.connectTimeoutMs ?? connectTimeoutMs);
    this.#aside = !ticket.visits(target);
    this.#search = new Search({ hearsay, holding, target, pool, timeoutMs, aside: this.#aside });
    this.#gone = gone;
  }

  get attempts(): number {
    return this.#attempts;
  }

  async next(): Promise<Permit> {
    const leaving = new Cancellation();
    this.#leaving = leaving;
    const seat = await this.#take(() => leaving.abort());
    const { tenancy } = seat;
    this.#seat = seat;
    this.#judge = this.#ticket.opened(tenancy, this.#target, this.#aside);
    this.#attempts += 1;
    const { endpoint } = tenancy;
    const { session } = this.#ticket;
    const dialMs = this.#search.dialMs(tenancy);
    return { endpoint, onEnd: (end) => leaving.tell(end), session, dialMs, touch: () => tenancy.touch() };
  }

  answered(outcome: Outcome): boolean {
    if (this.#seat !== undefined) this.#search.reached(this.#seat.tenancy);
    if (this.#ticket.reports) this.#judge?.carried(elapsedOf(outcome));
    else this.#observe(outcome);
    return false;
  }

  ended(outcome: Outcome): void {
    if (outcome.kind === 'failure') this.#observe(outcome);
    this.#leave();
  }

  failed(outcome: Outcome, mayRepeat: boolean): boolean {
    const unsent = outcome.kind === 'failure' && outcome.sent === 'nothing';
    const moved = this.#leaving.aborted || (unsent ? this.#searchOn(outcome) : this.#observe(outcome));
    this.#leave();
    const again = moved && mayRepeat && unsent && !this.#search.isHopeless;
    if (!again) this.#search.over();
    return again;
  }

  async #take(close: () => void): Promise<Seat> {
    const { leftMs } = this.#search;
    const call = { target: this.#target, deadlineMs: leftMs, gone: this.#gone, close };
    try {
      return await this.#ticket.holdingFor(this.#target).take(call);
    } catch (error) {
      this.#search.over();
      // What was wrong with the last exit says more than that there is no other.
      const { code } = Object(error) as { code?: unknown };
      throw this.#missed !== undefined && code === 'POOL_EXHAUSTED' ? this.#missed : error;
    }
  }

  #searchOn(outcome: Outcome): boolean {
    const seat = this.#seat;
    // The search gives it back, once it is known who is to blame.
    this.#seat = undefined;
    if (outcome.kind === 'failure') this.#missed = missedBy(outcome);
    return seat !== undefined && this.#search.failed(seat, outcome);
  }

  #observe(outcome: Outcome): boolean {
    const tenancy: Tenancy | undefined = this.#seat?.tenancy;
    // The exit was left and this request cut off by ourselves: that is nobody's failure.
    if (this.#leaving.aborted || this.#aside) return false;
    return tenancy !== undefined && this.#ticket.holdingFor(this.#target).observe(tenancy, outcome, this.#target);
  }

  #leave(): void {
    this.#seat?.release();
    this.#judge?.closed();
    this.#judge = undefined;
  }
}

function missedBy({ code, phase }: FailureOutcome): Refusal {
  const refusal = new Refusal(code === 'PROXY_TIMEOUT' ? 504 : 502, code, 'the target was reached through no exit');
  refusal.phase = phase;
  return refusal;
}

/** Without a proxy: nobody is told, and only what a used connection lost is sent again. */
export class DirectPassage implements Passage {
  readonly #timeoutMs: number;
  readonly #mayReuse: boolean;
  #leaving = new Cancellation();
  #timer: NodeJS.Timeout | undefined;
  #attempts = 0;

  constructor(timeoutMs: number, mayReuse: boolean) {
    this.#timeoutMs = timeoutMs;
    this.#mayReuse = mayReuse;
  }

  get attempts(): number {
    return this.#attempts;
  }

  next(): Permit {
    this.#attempts += 1;
    const leaving = new Cancellation();
    this.#leaving = leaving;
    const timer = setTimeout(() => leaving.abort(), this.#timeoutMs);
    this.#timer = timer;
    return {
      endpoint: undefined,
      session: undefined,
      onEnd: (end) => leaving.tell(end),
      dialMs: this.#timeoutMs,
      touch: () => undefined,
      sent: () => void timer.refresh(),
      reuse: this.#mayReuse && this.#attempts === 1,
    };
  }

  answered(): boolean {
    clearTimeout(this.#timer);
    return false;
  }

  ended(): void {
    clearTimeout(this.#timer);
  }

  failed(_outcome: Outcome, mayRepeat: boolean): boolean {
    clearTimeout(this.#timer);
    return this.#attempts === 1 && mayRepeat && !this.#leaving.aborted;
  }
}

function elapsedOf(outcome: Outcome): number {
  return outcome.kind === 'response' ? outcome.latencyMs : outcome.elapsedMs;
}

/** The exit of a permit, as the log names it. */
export function exitOf({ endpoint }: Permit): EndpointId | 'direct' {
  return endpoint?.id ?? 'direct';
}

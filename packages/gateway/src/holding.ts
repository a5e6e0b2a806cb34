import {
  FairleadError,
  type Endpoint,
  type EndpointId,
  type LeaseRequest,
  type Outcome,
  type Pool,
  type Tenancy,
} from '@fairlead/core';
import { Cancellation } from './cancellation.js';

/** What a holder asks of the pool each time it needs an exit. */
export type HoldingRequest = Omit<LeaseRequest, 'target' | 'signal' | 'deadlineMs' | 'method' | 'idempotent'>;

/** How a holder takes what becomes of its exit; frozen, and the same object for all that agree. */
export interface HoldingTerms {
  readonly idleMs: number;
  /** Once an exit has carried something, no other takes its place but by `rotate`: connections fail with SESSION_LOST. */
  readonly strict?: boolean;
  /** The exit that nothing may take the place of, where it was chosen before. */
  readonly keeps?: EndpointId;
}

/** Told when a holder goes on through another exit. */
export type MoveListener = (move: { readonly from: EndpointId; readonly to: EndpointId }) => void;

/** The tenancy and who is on it. One that was left lasts while it carries somebody. */
interface Stay {
  readonly tenancy: Tenancy;
  /** Dense, each knows its place: most stays have one, and a set of one costs more than all else of it. */
  readonly seats: Seat[];
  left: boolean;
  readonly holding: Holding;
}

/** One connection's place in a holding. */
export class Seat {
  readonly tenancy: Tenancy;
  readonly #stay: Stay;
  readonly #occupant: { close(): void };
  #place: number;

  constructor(stay: Stay, occupant: { close(): void }) {
    this.tenancy = stay.tenancy;
    this.#stay = stay;
    this.#occupant = occupant;
    this.#place = stay.seats.push(this) - 1;
  }

  /** The exit is left at once. */
  close(): void {
    this.#occupant.close();
  }

  /** The connection is over. */
  release(): void {
    const stay = this.#stay;
    if (this.#place < 0) return;
    const last = stay.seats.pop()!;
    if (last !== this) {
      stay.seats[this.#place] = last;
      last.#place = this.#place;
    }
    this.#place = -1;
    if (stay.seats.length === 0) stay.holding.emptied(stay);
  }
}

/** One connection's call for a place. */
export interface Call {
  readonly target: URL;
  readonly deadlineMs: number;
  /** The client has gone. */
  readonly gone: Cancellation;
  /** The exit is left at once: close what goes through it. */
  close(): void;
}

/**
 * What somebody holds of the pool: one tenancy at a time, taken at the first connection and swapped when its exit fails.
 * Any number of connections share it.
 */
export class Holding {
  readonly #pool: Pool;
  readonly #request: HoldingRequest;
  readonly #terms: HoldingTerms;
  readonly #tenancyTerms: { readonly idleMs: number };
  readonly #onMove: MoveListener | undefined;
  /** Exits that failed since one carried anything, and exits that were left on purpose: others are taken first. */
  readonly #failed: EndpointId[] = [];
  readonly #rotated: EndpointId[] = [];
  readonly #released = new Cancellation();
  #stay: Stay | undefined;
  #taking: Promise<Stay> | undefined;
  #last: Endpoint | undefined;
  /** Where no other exit may take its place: the one that has carried something. */
  #kept: EndpointId | undefined;
  #resting = false;

  constructor(pool: Pool, request: HoldingRequest, terms: HoldingTerms, onMove?: MoveListener) {
    this.#pool = pool;
    this.#request = request;
    this.#terms = terms;
    this.#kept = terms.keeps;
    this.#tenancyTerms = terms.strict === undefined ? terms : { idleMs: terms.idleMs };
    this.#onMove = onMove;
  }

  /** The tenancy that connections go through now, if one was taken yet. */
  get current(): Tenancy | undefined {
    return this.#stay?.tenancy;
  }

  /** The endpoint it holds, or held last. */
  get last(): Endpoint | undefined {
    return this.#last;
  }

  get isIdle(): boolean {
    return this.#taking === undefined && (this.#stay === undefined || this.#stay.seats.length === 0);
  }

  get released(): boolean {
    return this.#released.aborted;
  }

  /** A place on the current tenancy, or on the next: at once where the pool has one. Rejects as the pool does. */
  take(call: Call): Seat | Promise<Seat> {
    if (this.released || call.gone.aborted) throw abortedError();
    if (this.#stay !== undefined && !this.#stay.tenancy.isTenable) this.#leave(this.#stay);
    const stay = this.#stay ?? this.#takeAtOnce(call.target);
    return stay === undefined ? this.#wait(call) : seatOn(stay, call);
  }

  /**
   * Tells what a connection came to. True: its exit was left, and the next `take` brings another; `closing` ends what is
   * still open through it.
   */
  observe(tenancy: Tenancy, outcome: Outcome, target: URL, closing = false): boolean {
    if (tenancy.settled) return false;
    const moves = tenancy.observe(outcome, target) === 'move';
    if (outcome.kind === 'response') {
      this.#failed.length = 0;
      this.#rotated.length = 0;
      if (this.#terms.strict === true) this.#kept = tenancy.endpoint.id;
    }
    if (moves) {
      (outcome.kind === 'failure' ? this.#failed : this.#rotated).push(tenancy.endpoint.id);
      const stay = this.#stay;
      if (stay?.tenancy === tenancy) {
        this.#leave(stay);
        if (closing) closeAll(stay);
      }
    }
    return moves;
  }

  /** Leaves the exit for another without a word: who is to blame is not known yet. */
  pass(tenancy: Tenancy): void {
    this.#failed.push(tenancy.endpoint.id);
    if (this.#stay?.tenancy === tenancy) this.#leave(this.#stay);
  }

  /** Leaves the exit for another and closes what is open through it: a client would go on using that. */
  rotate(): void {
    const stay = this.#stay;
    // Also between two exits: what was lost is not waited for.
    this.#kept = undefined;
    if (this.#last !== undefined) this.#rotated.push(this.#last.id);
    if (stay === undefined) return;
    this.#leave(stay);
    closeAll(stay);
  }

  /** Gives the exit back, with what is open closed or at its end; until `hold`, connections have it only for as long as they last. */
  giveBack(closing: boolean): void {
    this.#resting = true;
    const stay = this.#stay;
    if (stay === undefined || (!closing && stay.seats.length > 0)) return;
    this.#leave(stay);
    closeAll(stay);
  }

  /** The exit is held again between connections. */
  hold(): void {
    this.#resting = false;
  }

  /** It is over: the tenancy is settled and its connections are closed. */
  release(): void {
    if (this.released) return;
    this.#released.abort();
    const stay = this.#stay;
    if (stay === undefined) return;
    this.#leave(stay);
    closeAll(stay);
  }

  #takeAtOnce(target: URL): Stay | undefined {
    if (this.#taking !== undefined || this.#rotated.length > 0 || this.#kept !== undefined) return undefined;
    const tenancy = this.#pool.tryTenancy(this.#ask(target), this.#tenancyTerms);
    return tenancy && this.#moveIn(tenancy);
  }

  async #wait(call: Call): Promise<Seat> {
    this.#taking ??= this.#next(call.target, call.deadlineMs);
    return seatOn(await unlessGone(this.#taking, call.gone), call);
  }

  async #next(target: URL, deadlineMs: number): Promise<Stay> {
    try {
      return this.#moveIn(await this.#askFor(target, deadlineMs));
    } catch (error) {
      // Whoever asks next starts anew: by then one of them may be back.
      this.#failed.length = 0;
      throw error;
    } finally {
      this.#taking = undefined;
    }
  }

  /** Without a list of nobody: who asks for nothing particular is served at less cost. */
  #ask(target: URL): LeaseRequest {
    const request = this.#request;
    if (this.#failed.length === 0) return { ...request, target };
    return { ...request, target, exclude: [...(request.exclude ?? []), ...this.#failed] };
  }

  async #askFor(target: URL, deadlineMs: number): Promise<Tenancy> {
    const exclude = [...(this.#request.exclude ?? []), ...this.#failed];
    const request = { ...this.#request, target, deadlineMs, signal: this.#released as unknown as AbortSignal };
    const ask = (without: readonly EndpointId[]): Promise<Tenancy> =>
      this.#pool.tenancy(without.length === 0 ? request : { ...request, exclude: without }, this.#tenancyTerms);
    if (this.#kept !== undefined) return this.#askAgain(this.#kept, request);
    if (this.#rotated.length === 0) return ask(exclude);
    const { session } = request;
    if (session !== undefined) this.#pool.sessions.unbind(session);
    try {
      return await ask([...exclude, ...this.#rotated]);
    } catch (error) {
      if (!(error instanceof FairleadError) || error.code !== 'POOL_EXHAUSTED') throw error;
      // There is no other: the one that was left is better than none.
      this.#rotated.length = 0;
      return ask(exclude);
    }
  }

  /** The exit that has carried something, or none. */
  async #askAgain(kept: EndpointId, request: LeaseRequest): Promise<Tenancy> {
    if (this.#failed.includes(kept)) throw lost(kept);
    try {
      const { target, tags = [] } = request;
      const { endpoints } = this.#pool.explain({ target, tags, endpoint: kept });
      if (GONE.has(endpoints.find(({ id }) => id === kept)?.why ?? 'retired')) throw lost(kept);
      return await this.#pool.tenancy({ ...request, endpoint: kept }, this.#tenancyTerms);
    } catch (error) {
      const { code } = Object(error) as { code?: unknown };
      throw code === 'POOL_EXHAUSTED' || code === 'UNKNOWN_ENDPOINT' ? lost(kept, error) : error;
    }
  }

  #moveIn(tenancy: Tenancy): Stay {
    const stay: Stay = { tenancy, seats: [], left: false, holding: this };
    const [from, to] = [this.#last?.id, tenancy.endpoint.id];
    this.#stay = stay;
    this.#last = tenancy.endpoint;
    tenancy.onEnd(() => {
      this.#leave(stay);
      closeAll(stay);
    });
    if (this.released) this.#leave(stay);
    if (from !== undefined && from !== to) this.#onMove?.({ from, to });
    return stay;
  }

  /** @internal The last connection of a stay is over. */
  emptied(stay: Stay): void {
    if (this.#resting) this.#leave(stay);
    else if (stay.left) stay.tenancy.settle();
  }

  #leave(stay: Stay): void {
    stay.left = true;
    if (this.#stay === stay) this.#stay = undefined;
    if (stay.seats.length === 0) stay.tenancy.settle();
  }
}

/** What keeps an endpoint from serving for longer than a connection waits. */
const GONE: ReadonlySet<string> = new Set(['cooling', 'held', 'retired', 'vacant', 'blocked', 'unfit']);

function seatOn(stay: Stay, call: Call): Seat {
  const refusal = stay.tenancy.refusal(call.target);
  if (refusal !== undefined) throw refusal;
  return new Seat(stay, call);
}

function lost(endpoint: EndpointId, cause?: unknown): FairleadError {
  return new FairleadError('SESSION_LOST', `nothing may take the place of ${endpoint}, which is gone`, { cause });
}

function closeAll({ seats }: Stay): void {
  // A copy: who closes gives its seat back.
  if (seats.length > 0) for (const seat of seats.slice()) seat.close();
}

function abortedError(): FairleadError {
  return new FairleadError('ABORTED', 'the client has gone, or what held its exit was released');
}

/** The exit may be meant for others too: one who goes away does not call it off. */
function unlessGone<T>(promise: Promise<T>, gone: Cancellation): Promise<T> {
  return new Promise((resolve, reject) => {
    const onGone = (): void => reject(abortedError());
    gone.addEventListener('abort', onGone);
    promise.then(resolve, reject).finally(() => gone.removeEventListener('abort', onGone));
  });
}

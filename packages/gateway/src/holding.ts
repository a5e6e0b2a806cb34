import {
  FairleadError,
  type Endpoint,
  type EndpointId,
  type LeaseRequest,
  type Outcome,
  type Pool,
  type Tenancy,
} from '@fairlead/core';

/** What a holder asks of the pool each time it needs an exit. */
export type HoldingRequest = Omit<LeaseRequest, 'target' | 'signal' | 'deadlineMs' | 'method' | 'idempotent'>;

/** How a holder takes the loss of its exit. */
export interface HoldingTerms {
  readonly idleMs: number;
  /** Once an exit has carried something, no other takes its place but by `rotate`: connections fail with SESSION_LOST. */
  readonly strict?: boolean;
}

/** Told when a holder goes on through another exit. */
export type MoveListener = (move: { readonly from: EndpointId; readonly to: EndpointId }) => void;

/** The tenancy and who is on it. One that was left lasts while it carries somebody. */
interface Stay {
  readonly tenancy: Tenancy;
  readonly seats: Set<Seat & Pick<Call, 'close'>>;
  left: boolean;
}

/** One connection's place in a holding. */
export interface Seat {
  readonly tenancy: Tenancy;
  /** The connection is over. */
  release(): void;
}

/** One connection's call for a place. */
export interface Call {
  readonly target: URL;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** The exit is left at once: close what goes through it. */
  readonly close: () => void;
}

/** What keeps an endpoint from serving for longer than a connection waits. */
const GONE: ReadonlySet<string> = new Set(['cooling', 'held', 'retired', 'vacant', 'blocked', 'unfit']);

/**
 * What somebody holds of the pool: one tenancy at a time, taken at the first connection and swapped when its exit fails.
 * Any number of connections share it.
 */
export class Holding {
  readonly #pool: Pool;
  readonly #request: HoldingRequest;
  readonly #terms: HoldingTerms;
  readonly #onMove: MoveListener;
  /** Exits that failed since one carried anything, and exits that were left on purpose: others are taken first. */
  readonly #failed = new Set<EndpointId>();
  readonly #rotated = new Set<EndpointId>();
  readonly #leaving = new AbortController();
  #resting = false;
  #stay: Stay | undefined;
  #taking: Promise<Stay> | undefined;
  #last: Endpoint | undefined;
  /** Where no other exit may take its place: the one that has carried something. */
  #kept: EndpointId | undefined;

  constructor(pool: Pool, request: HoldingRequest, terms: HoldingTerms, onMove: MoveListener = () => undefined) {
    this.#pool = pool;
    this.#request = request;
    this.#terms = terms;
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
    return this.#taking === undefined && (this.#stay === undefined || this.#stay.seats.size === 0);
  }

  get released(): boolean {
    return this.#leaving.signal.aborted;
  }

  /** A place on the current tenancy, or on the next. Rejects as the pool does. */
  async take({ target, deadlineMs, signal, close }: Call): Promise<Seat> {
    signal.throwIfAborted();
    this.#leaving.signal.throwIfAborted();
    if (this.#stay !== undefined && !this.#stay.tenancy.isTenable) this.#leave(this.#stay);
    const stay = this.#stay ?? (await unlessAborted((this.#taking ??= this.#next(target, deadlineMs)), signal));
    const { tenancy, seats } = stay;
    const refusal = tenancy.refusal(target);
    if (refusal !== undefined) throw refusal;
    const seat = {
      tenancy,
      close,
      release: (): void => {
        if (!seats.delete(seat) || seats.size > 0) return;
        if (this.#resting) this.#leave(stay);
        else if (stay.left) tenancy.settle();
      },
    };
    seats.add(seat);
    return seat;
  }

  /**
   * Tells what a connection came to. True: its exit was left, and the next `take` brings another; `closing` ends what is
   * still open through it.
   */
  observe(tenancy: Tenancy, outcome: Outcome, target: URL, closing = false): boolean {
    if (tenancy.settled) return false;
    const moves = tenancy.observe(outcome, target) === 'move';
    if (outcome.kind === 'response') {
      this.#failed.clear();
      this.#rotated.clear();
      if (this.#terms.strict === true) this.#kept = tenancy.endpoint.id;
    }
    if (moves) {
      (outcome.kind === 'failure' ? this.#failed : this.#rotated).add(tenancy.endpoint.id);
      const stay = this.#stay;
      if (stay?.tenancy === tenancy) {
        this.#leave(stay);
        if (closing) closeAll(stay);
      }
    }
    return moves;
  }

  /** Leaves the exit for another and closes what is open through it: a client would go on using that. */
  rotate(): void {
    const stay = this.#stay;
    // Also between two exits: what was lost is not waited for.
    this.#kept = undefined;
    if (this.#last !== undefined) this.#rotated.add(this.#last.id);
    if (stay === undefined) return;
    this.#leave(stay);
    closeAll(stay);
  }

  /** Closes what is open and gives the exit back; until `hold`, the next connections have it only for as long as they last. */
  giveBack(): void {
    this.#resting = true;
    const stay = this.#stay;
    if (stay === undefined) return;
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
    this.#leaving.abort(new FairleadError('ABORTED', 'what held the exit was released'));
    const stay = this.#stay;
    if (stay === undefined) return;
    this.#leave(stay);
    closeAll(stay);
  }

  async #next(target: URL, deadlineMs: number): Promise<Stay> {
    try {
      const tenancy = await this.#ask(target, deadlineMs);
      const stay: Stay = { tenancy, seats: new Set(), left: false };
      this.#moveIn(stay);
      return stay;
    } catch (error) {
      // Whoever asks next starts anew: by then one of them may be back.
      this.#failed.clear();
      throw error;
    } finally {
      this.#taking = undefined;
    }
  }

  async #ask(target: URL, deadlineMs: number): Promise<Tenancy> {
    const exclude = [...(this.#request.exclude ?? []), ...this.#failed];
    const { signal } = this.#leaving;
    const request = { ...this.#request, target, deadlineMs, signal };
    const { idleMs } = this.#terms;
    const ask = (without: readonly EndpointId[]): Promise<Tenancy> =>
      this.#pool.tenancy({ ...request, exclude: without }, { idleMs });
    if (this.#kept !== undefined) return this.#askAgain(this.#kept, request);
    if (this.#rotated.size === 0) return ask(exclude);
    const { session } = request;
    if (session !== undefined) this.#pool.sessions.unbind(session);
    try {
      return await ask([...exclude, ...this.#rotated]);
    } catch (error) {
      if (!(error instanceof FairleadError) || error.code !== 'POOL_EXHAUSTED') throw error;
      // There is no other: the one that was left is better than none.
      this.#rotated.clear();
      return ask(exclude);
    }
  }

  /** The exit that has carried something, or none. */
  async #askAgain(kept: EndpointId, request: LeaseRequest): Promise<Tenancy> {
    if (this.#failed.has(kept)) throw lost(kept);
    try {
      const { target, tags = [] } = request;
      const { endpoints } = this.#pool.explain({ target, tags, endpoint: kept });
      if (GONE.has(endpoints.find(({ id }) => id === kept)?.why ?? 'retired')) throw lost(kept);
      return await this.#pool.tenancy({ ...request, endpoint: kept }, { idleMs: this.#terms.idleMs });
    } catch (error) {
      const { code } = Object(error) as { code?: unknown };
      throw code === 'POOL_EXHAUSTED' || code === 'UNKNOWN_ENDPOINT' ? lost(kept, error) : error;
    }
  }

  #moveIn(stay: Stay): void {
    const { tenancy } = stay;
    const [from, to] = [this.#last?.id, tenancy.endpoint.id];
    this.#stay = stay;
    this.#last = tenancy.endpoint;
    tenancy.signal.addEventListener('abort', () => {
      this.#leave(stay);
      closeAll(stay);
    });
    if (this.released) this.#leave(stay);
    if (from !== undefined && from !== to) this.#onMove({ from, to });
  }

  #leave(stay: Stay): void {
    stay.left = true;
    if (this.#stay === stay) this.#stay = undefined;
    if (stay.seats.size === 0) stay.tenancy.settle();
  }
}

function lost(endpoint: EndpointId, cause?: unknown): FairleadError {
  return new FairleadError('SESSION_LOST', `nothing may take the place of ${endpoint}, which is gone`, { cause });
}

function closeAll({ seats }: Stay): void {
  for (const seat of seats) seat.close();
}

/** The exit may be meant for others too: one who goes away does not call it off. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    const off = (): void => signal.removeEventListener('abort', onAbort);
    promise.then(
      (value) => {
        off();
        resolve(value);
      },
      (error: Error) => {
        off();
        reject(error);
      },
    );
  });
}

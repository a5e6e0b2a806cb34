import { FairleadError } from '../errors.js';
import type { Outcome } from '../outcome.js';
import type { Clock } from '../ports/clock.js';
import { outcomeOf, type AttemptResult as Result } from './attempt-outcome.js';
import type { Lease } from './lease.js';
import type { Decision, Run } from './run.js';

/** Does the work over one lease: return what it brought, or throw. Stop when `lease.signal` aborts, as it does with the request's. */
export type Attempt<T> = (lease: Lease) => Promise<T> | T;

/** An error that knows what was observed when it was thrown. Adapters throw it, or anything else. */
export interface OutcomeError {
  readonly outcome: Outcome;
}

interface Leg<T> {
  readonly lease: Lease;
  readonly result: Result<T>;
}

/** The loop over a run, for callers whose library has none of its own. */
export async function attemptLoop<T>(run: Run, attempt: Attempt<T>, clock: Clock): Promise<T> {
  return new AttemptLoop(run, attempt, clock).result();
}

/** Mostly one attempt after another; in a race several at once, with hedging a late one gets company: the first good answer wins. */
class AttemptLoop<T> {
  readonly #run: Run;
  readonly #attempt: Attempt<T>;
  readonly #clock: Clock;
  readonly #legs = new Map<Lease, Promise<Leg<T>>>();
  /** The lease that company was last asked for: once each. */
  #accompanied: Lease | undefined;
  /** The last answer that was not wanted: better than none, should nothing else come. */
  #held: Leg<T> | undefined;
  /** Comes when the caller calls the request off; never, where no signal was given. */
  #calledOff: Promise<'called-off'> | undefined;

  constructor(run: Run, attempt: Attempt<T>, clock: Clock) {
    this.#run = run;
    this.#attempt = attempt;
    this.#clock = clock;
  }

  async result(): Promise<T> {
    // The pool's timers hold nothing up: without this a program would end in the middle of a wait, and its requests with it.
    const release = this.#clock.hold?.();
    try {
      return await this.#untilCalledOff();
    } finally {
      release?.();
    }
  }

  async #untilCalledOff(): Promise<T> {
    const { signal } = this.#run.request;
    if (signal === undefined) return this.#loop();
    let abort = (): void => undefined;
    this.#calledOff = new Promise((resolve) => {
      abort = () => resolve('called-off');
    });
    signal.addEventListener('abort', abort);
    try {
      return await this.#loop();
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #loop(): Promise<T> {
    try {
      for (;;) {
        if (this.#legs.size === 0) {
          try {
            this.#start(await this.#run.next());
            // As many beside it as the policy's race asks for.
            for (let more = this.#run.beside('race'); more !== undefined; more = this.#run.beside('race')) {
              const lease = more instanceof Promise ? await more : more;
              if (lease === undefined) break;
              this.#start(lease);
            }
          } catch (error) {
            return this.#instead(error);
          }
        }
        const leg = await this.#firstBack();
        if (leg === 'called-off') throw this.#abortedError();
        if (leg === 'late') {
          const more = this.#run.beside('hedge');
          const lease = more instanceof Promise ? await more : more;
          if (lease !== undefined) this.#start(lease);
        } else {
          const end = this.#settle(leg);
          if (end !== 'on') return this.#deliver(end);
        }
      }
    } finally {
      this.#cancelRest();
    }
  }

  /** There is nobody left to try: an answer that was held back is better than none, unless the caller has called it off. */
  #instead(error: unknown): T {
    if (this.#held === undefined || this.#isCalledOff) throw error;
    return this.#deliver(this.#held.result);
  }

  #deliver(result: Result<T>): T {
    if (result === this.#held?.result) this.#held = undefined;
    return valueOf(result);
  }

  get #isCalledOff(): boolean {
    return this.#run.request.signal?.aborted === true;
  }

  #abortedError(): FairleadError {
    return new FairleadError('ABORTED', 'the request was aborted', { cause: this.#run.request.signal?.reason });
  }

  #start(lease: Lease): void {
    // Called off while the lease was on its way: the attempt is not even begun.
    this.#legs.set(lease, this.#isCalledOff ? new Promise(() => undefined) : this.#work(lease));
  }

  async #work(lease: Lease): Promise<Leg<T>> {
    const gone = new Promise<Result<T>>((resolve) => {
      // The pool ended the lease and nobody took notice: the loop goes on without the attempt.
      lease.onGone(() => resolve({ ok: false, error: lease.signal.reason ?? new Error('the lease was settled') }));
    });
    return { lease, result: await Promise.race([this.#tryOnce(lease), gone]) };
  }

  async #tryOnce(lease: Lease): Promise<Result<T>> {
    try {
      return { ok: true, value: await this.#attempt(lease) };
    } catch (error) {
      return { ok: false, error };
    }
  }

  async #firstBack(): Promise<Leg<T> | 'late' | 'called-off'> {
    if (this.#isCalledOff) return 'called-off';
    const [newest] = [...this.#legs.keys()].slice(-1);
    const out: Promise<Leg<T> | 'called-off'>[] = [...this.#legs.values()];
    if (this.#calledOff !== undefined) out.unshift(this.#calledOff);
    if (newest === undefined || newest === this.#accompanied) return Promise.race(out);
    const wait = this.#run.hedgeAfterMs(newest);
    if (wait === Number.POSITIVE_INFINITY) return Promise.race(out);
    this.#accompanied = newest;
    let cancel = (): void => undefined;
    const late = new Promise<'late'>((resolve) => {
      cancel = this.#clock.schedule(newest.since + wait, () => resolve('late'));
    });
    return Promise.race([...out, late]).finally(() => cancel());
  }

  /** What the request ends with, or `on`. */
  #settle(leg: Leg<T>): Result<T> | 'on' {
    const { lease, result } = leg;
    this.#legs.delete(lease);
    const { endpoint, since } = lease;
    const seen = { elapsedMs: this.#clock.now() - since, proxy: endpoint.url, calledOff: this.#isCalledOff };
    const decision = this.#run.report(lease, outcomeOf(result, seen));
    const wanted = lease.verdict === 'success' || lease.verdict === 'final';
    if (wanted) return result;
    const answered = lease.outcome?.kind === 'response';
    if (answered) {
      this.#letGo();
      this.#held = leg;
    }
    // Another leg may still bring what this one could not.
    if (isAgain(decision) || this.#legs.size > 0) return 'on';
    // An answer that was not wanted says more than a proxy that failed after it.
    if (!answered && this.#held !== undefined) return this.#held.result;
    if (!result.ok && decision.kind === 'give-up') throw Object.assign(decision.error, { cause: result.error });
    return result;
  }

  /** Nobody will read what was held back: its body must not keep a connection. */
  #letGo(): void {
    this.#held?.lease.end(this.#isCalledOff ? 'aborted' : 'superseded');
  }

  #cancelRest(): void {
    this.#letGo();
    for (const lease of this.#legs.keys()) {
      lease.end(this.#isCalledOff ? 'aborted' : 'superseded');
      this.#run.report(lease, { kind: 'abandoned', elapsedMs: this.#clock.now() - lease.since });
    }
  }
}

function isAgain(decision: Decision): boolean {
  return decision.kind === 'reroute' || decision.kind === 'replay';
}

function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw result.error;
}

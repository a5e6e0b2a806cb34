import { isOutcome } from '../outcome-check.js';
import type { Outcome } from '../outcome.js';
import type { Clock } from '../ports/clock.js';
import type { Lease } from './lease.js';
import type { Decision, Run } from './run.js';

/** Does the work over one lease: return what it brought, or throw. Stop when `lease.signal` aborts. */
export type Attempt<T> = (lease: Lease) => Promise<T> | T;

/** An error that knows what was observed when it was thrown. Adapters throw it, or anything else. */
export interface OutcomeError {
  readonly outcome: Outcome;
}

type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

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
  #held: Result<T> | undefined;

  constructor(run: Run, attempt: Attempt<T>, clock: Clock) {
    this.#run = run;
    this.#attempt = attempt;
    this.#clock = clock;
  }

  async result(): Promise<T> {
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
        if (leg === 'late') {
          const more = this.#run.beside('hedge');
          const lease = more instanceof Promise ? await more : more;
          if (lease !== undefined) this.#start(lease);
        } else {
          const end = this.#settle(leg);
          if (end !== 'on') return valueOf(end);
        }
      }
    } finally {
      this.#cancelRest();
    }
  }

  /** There is nobody left to try: an answer that was held back is better than none, unless the caller has called it off. */
  #instead(error: unknown): T {
    if (this.#held === undefined || this.#run.request.signal?.aborted === true) throw error;
    return valueOf(this.#held);
  }

  #start(lease: Lease): void {
    this.#legs.set(lease, this.#work(lease));
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

  async #firstBack(): Promise<Leg<T> | 'late'> {
    const [newest] = [...this.#legs.keys()].slice(-1);
    if (newest === undefined || newest === this.#accompanied) return Promise.race(this.#legs.values());
    const wait = this.#run.hedgeAfterMs(newest);
    if (wait === Number.POSITIVE_INFINITY) return Promise.race(this.#legs.values());
    this.#accompanied = newest;
    let cancel = (): void => undefined;
    const late = new Promise<'late'>((resolve) => {
      cancel = this.#clock.schedule(newest.since + wait, () => resolve('late'));
    });
    return Promise.race([...this.#legs.values(), late]).finally(() => cancel());
  }

  /** What the request ends with, or `on`. */
  #settle({ lease, result }: Leg<T>): Result<T> | 'on' {
    this.#legs.delete(lease);
    const decision = this.#run.report(lease, outcomeOf(result, this.#clock.now() - lease.since));
    const wanted = lease.verdict === 'success' || lease.verdict === 'final';
    if (wanted) return result;
    const answered = lease.outcome?.kind === 'response';
    if (answered) this.#held = result;
    // Another leg may still bring what this one could not.
    if (isAgain(decision) || this.#legs.size > 0) return 'on';
    // An answer that was not wanted says more than a proxy that failed after it.
    if (!answered && this.#held !== undefined && this.#run.request.signal?.aborted !== true) return this.#held;
    if (!result.ok && decision.kind === 'give-up') throw Object.assign(decision.error, { cause: result.error });
    return result;
  }

  #cancelRest(): void {
    for (const lease of this.#legs.keys()) {
      lease.end('superseded');
      lease.settle({ kind: 'abandoned', elapsedMs: this.#clock.now() - lease.since });
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

function outcomeOf(result: Result<unknown>, elapsedMs: number): Outcome {
  if (result.ok) return { kind: 'response', status: statusOf(result.value) ?? 200, latencyMs: elapsedMs };
  const error: Partial<OutcomeError> & { name?: unknown; code?: unknown } = Object(result.error);
  if (isOutcome(error.outcome)) return error.outcome;
  const code = typeof error.code === 'string' ? error.code : String(error.name ?? 'Error');
  return { kind: 'failure', phase: 'request', code, elapsedMs, sent: 'maybe', fault: 'unclear' };
}

/** Responses of fetch, axios and got carry their status beside headers; anything else that has a status is the user's own. */
function statusOf(value: unknown): number | undefined {
  try {
    const { status, statusCode, headers }: { status?: unknown; statusCode?: unknown; headers?: unknown } =
      Object(value);
    if (typeof headers !== 'object' || headers === null) return undefined;
    const found = [status, statusCode].find((candidate) => Number.isInteger(candidate)) as number | undefined;
    return found !== undefined && found >= 100 && found < 600 ? found : undefined;
  } catch {
    return undefined;
  }
}

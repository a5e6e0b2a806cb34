import { FairleadError } from '../errors.js';
import { duration } from '../option-check.js';
import { lateError } from './refusal.js';

/** One submitted request: it runs on whether or not anybody waits for it. */
export class Job<T> {
  /** Settles with the request. */
  readonly result: Promise<T>;
  readonly #controller: AbortController;

  /** @internal */
  constructor(start: (signal: AbortSignal) => Promise<T>, schedule: Schedule) {
    this.#controller = new AbortController();
    this.result = start(this.#controller.signal);
    this.#schedule = schedule;
    // Whoever only submits must not be ended by a rejection that nobody handles.
    this.result.catch(() => undefined);
  }

  readonly #schedule: Schedule;

  /** The result, or undefined when it takes longer than `ms`: the job runs on. */
  async withTimeout(ms: number): Promise<T | undefined> {
    duration(ms, 'withTimeout');
    let cancel = (): void => undefined;
    const late = new Promise<undefined>((resolve) => {
      cancel = this.#schedule(ms, () => resolve(undefined));
    });
    return Promise.race([this.result, late]).finally(() => cancel());
  }

  /** Ends it: `result` rejects with the code `ABORTED`, unless it is there already. */
  cancel(reason?: unknown): void {
    this.#controller.abort(reason ?? new FairleadError('ABORTED', 'the job was cancelled'));
  }
}

type Schedule = (afterMs: number, callback: () => void) => () => void;

interface Applicant {
  readonly admit: () => void;
  readonly refuse: (error: FairleadError) => void;
}

interface QueueParts {
  readonly bound: number;
  readonly schedule: Schedule;
  /** Somebody was turned away. */
  readonly full: () => void;
}

/** A bounded number of jobs at once; whoever submits more waits for room, in order. */
export class JobQueue {
  #bound: number;
  readonly #schedule: Schedule;
  readonly #full: () => void;
  readonly #waiting = new Set<Applicant>();
  #unfinished = 0;
  #closed: (() => FairleadError) | undefined;

  constructor({ bound, schedule, full }: QueueParts) {
    this.#bound = bound;
    this.#schedule = schedule;
    this.#full = full;
  }

  /** Most jobs that may be unfinished. */
  get bound(): number {
    return this.#bound;
  }

  /** Whoever waits hears of the room that a higher one makes. */
  set bound(bound: number) {
    this.#bound = bound;
    for (const { admit } of Array.from(this.#waiting).slice(0, Math.max(0, bound - this.#unfinished))) {
      this.#unfinished += 1;
      admit();
    }
  }

  /** Callers that wait for room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Starts the job at once, or throws `QUEUE_FULL`. */
  trySubmit<T>(start: (signal: AbortSignal) => Promise<T>): Job<T> {
    if (this.#unfinished >= this.bound) this.#refuse(`${this.#unfinished} jobs are unfinished, which is the bound`);
    this.#unfinished += 1;
    return this.#started(start);
  }

  /** Starts the job as soon as there is room for it, within so long. */
  async submit<T>(
    start: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
    withinMs: number,
  ): Promise<Job<T>> {
    if (this.#unfinished < this.bound) return this.trySubmit(start);
    await this.#room(signal, withinMs);
    return this.#started(start);
  }

  /** The job of a request that was turned away, for who is owed a handle all the same. */
  refused<T>(error: unknown): Job<T> {
    return new Job<T>(async () => {
      throw error;
    }, this.#schedule);
  }

  /** Whoever waits for room is refused, and nobody waits for it any more. */
  close(reason: () => FairleadError): void {
    this.#closed = reason;
    for (const { refuse } of this.#waiting) refuse(reason());
  }

  /** Counted among the unfinished already. */
  #started<T>(start: (signal: AbortSignal) => Promise<T>): Job<T> {
    const job = new Job(start, this.#schedule);
    job.result.then(this.#done, this.#done);
    return job;
  }

  /** Until a place is free, which is then the caller's: who comes meanwhile cannot take it. */
  #room(signal: AbortSignal | undefined, withinMs: number): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed();
    if (this.#waiting.size >= this.bound && this.bound > 0) {
      this.#refuse(`${this.#waiting.size} wait for room already, which is the bound`);
    }
    if (this.bound === 0) this.#refuse('no job may be unfinished: maxWaiting is 0');
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(applicant);
        cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void =>
        applicant.refuse(new FairleadError('ABORTED', 'the request was aborted', { cause: signal?.reason }));
      const applicant: Applicant = {
        admit: () => {
          leave();
          resolve();
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      // First of all: what the user brought may throw, and nobody would take the applicant out again.
      signal?.addEventListener('abort', onAbort);
      const cancel = this.#schedule(withinMs, () => applicant.refuse(lateError()));
      this.#waiting.add(applicant);
      if (signal?.aborted === true) onAbort();
    });
  }

  #refuse(problem: string): never {
    this.#full();
    throw new FairleadError('QUEUE_FULL', problem);
  }

  readonly #done = (): void => {
    const [next] = this.#waiting;
    // The place goes from hand to hand: free for a moment, it would be taken by whoever asks just then.
    if (next !== undefined && this.#unfinished <= this.#bound) next.admit();
    else this.#unfinished -= 1;
  };
}

import { FairleadError } from '../errors.js';

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

/** A bounded number of jobs at once; whoever submits more waits for room, in order. */
export class JobQueue {
  readonly #bound: number;
  readonly #schedule: Schedule;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(bound: number, schedule: Schedule) {
    this.#bound = bound;
    this.#schedule = schedule;
  }

  get size(): number {
    return this.#running;
  }

  /** Starts the job at once, or throws `QUEUE_FULL`. */
  trySubmit<T>(start: (signal: AbortSignal) => Promise<T>): Job<T> {
    if (this.#running >= this.#bound) {
      throw new FairleadError('QUEUE_FULL', `${this.#running} jobs are running or waiting, which is the bound`);
    }
    this.#running += 1;
    const job = new Job(start, this.#schedule);
    job.result.then(this.#done, this.#done);
    return job;
  }

  /** Starts the job as soon as there is room for it. */
  async submit<T>(start: (signal: AbortSignal) => Promise<T>): Promise<Job<T>> {
    while (this.#running >= this.#bound || this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#running < this.#bound) break;
    }
    return this.trySubmit(start);
  }

  readonly #done = (): void => {
    this.#running -= 1;
    this.#waiting.shift()?.();
  };
}

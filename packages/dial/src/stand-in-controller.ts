import { errors, type Dispatcher } from 'undici';

type Raw = NonNullable<Dispatcher.DispatchController['rawHeaders']> | null;

/** What the caller holds while attempts come and go beneath it. */
export class OuterController implements Dispatcher.DispatchController {
  #inner: Dispatcher.DispatchController | undefined;
  #paused = false;
  #reason: Error | null = null;
  readonly #onAbort: (reason: Error) => void;

  constructor(onAbort: (reason: Error) => void) {
    this.#onAbort = onAbort;
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  get reason(): Error | null {
    return this.#reason;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get rawHeaders(): Raw {
    return this.#inner?.rawHeaders ?? null;
  }

  get rawTrailers(): Raw {
    return this.#inner?.rawTrailers ?? null;
  }

  follow(inner: Dispatcher.DispatchController): void {
    this.#inner = inner;
    if (this.#paused) inner.pause();
  }

  abort(reason?: Error): void {
    if (this.aborted) return;
    this.#reason = reason ?? new errors.RequestAbortedError();
    this.#onAbort(this.#reason);
  }

  pause(): void {
    this.#paused = true;
    this.#inner?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#inner?.resume();
  }
}

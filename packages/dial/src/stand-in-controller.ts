import type { Dispatcher } from 'undici';

type Raw = NonNullable<Dispatcher.DispatchController['rawHeaders']> | null;

/**
 * What the caller of an undici request holds from its start. undici's own controller comes with the connection, and an abort
 * before that would wait for the dial; nor is it the same in a second attempt.
 */
export class StandInController implements Dispatcher.DispatchController {
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
    this.#reason = reason ?? aborted();
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

/** As undici's own error for it: this package does not load undici. */
function aborted(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError', code: 'UND_ERR_ABORTED' });
}

/**
 * The caller's abort as the pool listens to it while a request waits in line. Most requests never wait, and an
 * `AbortController` for each would cost more than all the pool does for it.
 */
export class CallerSignal {
  aborted = false;
  reason: unknown;
  #listener: (() => void) | undefined;

  /** In the place of an `AbortSignal`, of which the pool uses no more than is here. */
  get signal(): AbortSignal {
    return this as unknown as AbortSignal;
  }

  addEventListener(_: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = undefined;
  }

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.#listener?.();
  }
}

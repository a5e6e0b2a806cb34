/** As much of a signal as is listened to: axios takes such for its own. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener?(type: 'abort', listener: () => void): void;
  removeEventListener?(type: 'abort', listener: () => void): void;
}

/**
 * The caller's abort as the pool listens to it while a request waits in line. Most requests never wait, and an
 * `AbortController` for each would cost more than all the pool does for it.
 */
export class CallerSignal {
  aborted = false;
  reason: unknown;
  #listener: (() => void) | undefined;
  #followed: SignalLike | undefined;

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
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#listener?.();
  }

  /** Aborts as that one does. Call `release` when the request is over: that one may live on, and would hold on to this. */
  follow(signal: SignalLike | undefined): void {
    this.#followed = signal;
    if (signal?.aborted === true) this.#heard();
    else signal?.addEventListener?.('abort', this.#heard);
  }

  release(): void {
    this.#followed?.removeEventListener?.('abort', this.#heard);
    this.#followed = undefined;
  }

  readonly #heard = (): void => this.abort(this.#followed?.reason);
}

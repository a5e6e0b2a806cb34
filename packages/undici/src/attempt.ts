import type { Duplex } from 'node:stream';
import type { Lease, Outcome, ResponseOutcome, Run } from '@fairlead/core';
import { failureOf } from '@fairlead/dial';
import type { Dispatcher } from 'undici';

type Controller = Dispatcher.DispatchController;
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** How an attempt ended for the loop around it. */
export type Ended =
  /** The head of the answer went to the caller; the rest takes care of itself. */
  | { readonly kind: 'delivered' }
  | { readonly kind: 'again' }
  | { readonly kind: 'failed'; readonly outcome: Outcome; readonly error: Error };

export interface AttemptParts {
  readonly run: Run;
  readonly lease: Lease;
  readonly handler: Dispatcher.DispatchHandler;
  /** The caller's controller. */
  readonly outer: Controller & { follow(inner: Controller): void };
  /** Asked at the head of an answer that the policy would rather not deliver. */
  readonly mayResend: () => boolean;
  readonly end: (ended: Ended) => void;
}

/** One attempt as undici sees it: holds the answer back until it is known that it is the caller's. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly #parts: AttemptParts;
  readonly #since = performance.now();
  #inner: Controller | undefined;
  #head: ResponseOutcome | undefined;
  #state: 'open' | 'delivered' | 'over' = 'open';

  constructor(parts: AttemptParts) {
    this.#parts = parts;
    parts.lease.signal.addEventListener('abort', () => this.#giveUp());
  }

  onRequestStart(controller: Controller): void {
    this.#inner = controller;
    const { outer, lease } = this.#parts;
    // Whoever gave up while undici was still connecting could not tell it.
    if (this.#state === 'over') return controller.abort(outer.reason ?? lease.signal.reason ?? new Error('given up'));
    outer.follow(controller);
  }

  onResponseStart(controller: Controller, status: number, headers: Headers, message?: string): void {
    const { run, lease, handler, outer } = this.#parts;
    if (this.#state !== 'open') return;
    lease.touch();
    const get = (name: string): string | undefined => headers[name]?.toString();
    const outcome: ResponseOutcome = { kind: 'response', status, latencyMs: this.#elapsedMs, headers: { get } };
    // An interim answer is none yet.
    if (status < 200) return handler.onResponseStart?.(outer, status, headers, message);
    if (run.mayRepeat(outcome) && this.#parts.mayResend()) {
      const { kind } = run.report(lease, outcome);
      if (kind === 'reroute' || kind === 'replay') {
        this.#end({ kind: 'again' });
        return controller.abort(new Error('this answer is not delivered'));
      }
    } else {
      run.delivered();
    }
    this.#head = outcome;
    this.#state = 'delivered';
    this.#parts.end({ kind: 'delivered' });
    handler.onResponseStart?.(outer, status, headers, message);
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    if (this.#state !== 'delivered') return;
    this.#parts.lease.touch();
    this.#parts.handler.onResponseData?.(this.#parts.outer, chunk);
  }

  onResponseEnd(_: Controller, trailers: Headers): void {
    if (this.#state !== 'delivered' || this.#head === undefined) return;
    this.#parts.lease.settle(this.#head);
    // A handler that throws hears of it by `onResponseError`, as the retry interceptor's counts on.
    this.#parts.handler.onResponseEnd?.(this.#parts.outer, trailers);
    this.#state = 'over';
  }

  onResponseError(_: Controller, error: Error): void {
    const { lease, handler, outer } = this.#parts;
    if (this.#state === 'over') return;
    if (this.#state === 'open') return this.#end({ kind: 'failed', outcome: this.#failure(error), error });
    this.#state = 'over';
    lease.settle(this.#failure(error));
    handler.onResponseError?.(outer, error);
  }

  onRequestUpgrade(_: Controller, status: number, headers: Headers, socket: Duplex): void {
    const { run, lease, handler, outer } = this.#parts;
    this.#state = 'over';
    run.delivered();
    this.#parts.end({ kind: 'delivered' });
    socket.once('close', () => lease.settle({ kind: 'response', status, latencyMs: this.#elapsedMs }));
    handler.onRequestUpgrade?.(outer, status, headers, socket);
  }

  /** The caller has called it off. */
  abort(reason: Error): void {
    if (this.#inner !== undefined) this.#inner.abort(reason);
    else this.onResponseError(this.#parts.outer, reason);
  }

  /** The pool has: what undici still has to connect for is not waited for. */
  #giveUp(): void {
    const error = Object.assign(new Error('the pool gave this attempt up'), { code: 'ETIMEDOUT' });
    if (this.#inner !== undefined) this.#inner.abort(error);
    else this.onResponseError(this.#parts.outer, error);
  }

  get #elapsedMs(): number {
    return performance.now() - this.#since;
  }

  #end(ended: Ended): void {
    this.#state = 'over';
    this.#parts.end(ended);
  }

  #failure(error: Error): Outcome {
    const elapsedMs = this.#elapsedMs;
    const { outer } = this.#parts;
    // A signal that timed out is a timeout of the client's, any other abort the caller's own doing.
    if (outer.aborted && outer.reason?.name !== 'TimeoutError') return { kind: 'abandoned', elapsedMs };
    const failure = failureOf(error, elapsedMs, { response: this.#head !== undefined });
    if (this.#inner !== undefined || failure.sent === 'nothing') return failure;
    // undici names its controller once it has a connection: without one nothing was sent.
    return { ...failure, phase: 'tunnel', sent: 'nothing' };
  }
}

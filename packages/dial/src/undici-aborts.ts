import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { StandInController } from './stand-in-controller.js';

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;
type Headers = Parameters<NonNullable<Handler['onResponseStart']>>[2];

/** An interceptor for undici's dispatchers: what its caller aborts while it is dialled ends at once, and not with the dial. */
export function abortWhileDialling(): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    const early = new EarlyStart(handler);
    early.begin();
    return dispatch(options, early);
  };
}

/** Starts the request in its caller's eyes before undici does. */
class EarlyStart implements Handler {
  readonly #handler: Handler;
  readonly #controller: StandInController;
  #inner: Controller | undefined;
  #over = false;

  constructor(handler: Handler) {
    this.#handler = handler;
    this.#controller = new StandInController((reason) => {
      if (this.#inner === undefined) this.onResponseError(this.#controller, reason);
      else this.#inner.abort(reason);
    });
  }

  begin(): void {
    this.#handler.onRequestStart?.(this.#controller, {});
  }

  onRequestStart(inner: Controller): void {
    this.#inner = inner;
    const { reason } = this.#controller;
    if (reason === null) this.#controller.follow(inner);
    else inner.abort(reason);
  }

  onRequestUpgrade(_: Controller, status: number, headers: Headers, socket: Duplex): void {
    this.#handler.onRequestUpgrade?.(this.#controller, status, headers, socket);
  }

  onResponseStart(_: Controller, status: number, headers: Headers, message?: string): void {
    this.#handler.onResponseStart?.(this.#controller, status, headers, message);
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    this.#handler.onResponseData?.(this.#controller, chunk);
  }

  onResponseEnd(_: Controller, trailers: Headers): void {
    this.#handler.onResponseEnd?.(this.#controller, trailers);
  }

  onResponseError(_: Controller, error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#handler.onResponseError?.(this.#controller, error);
  }
}

import type { Dispatcher } from 'undici';

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;
type Headers = Parameters<NonNullable<Handler['onResponseStart']>>[2];

/** What undici's own clients hand over up to version 7, and Node's fetch. */
interface Older {
  onConnect?(abort: (reason?: Error) => void, context: object): void;
  onUpgrade?(status: number, headers: Raw, socket: unknown): void;
  onHeaders?(status: number, headers: Raw, resume: () => void, message?: string): boolean | void;
  onData?(chunk: Buffer): boolean | void;
  onComplete?(trailers: Raw): void;
  onError?(error: Error): void;
}

type Raw = readonly (Buffer | string | readonly Buffer[])[];

/** A handler as undici describes them now. */
export function currentHandler(handler: Handler): Handler {
  return handler.onRequestStart === undefined ? new RawHandler(handler as Older) : handler;
}

/**
 * Stands before a handler of the older kind, which reads headers itself: it gets them as they came. undici's own wrapper would
 * make raw headers anew out of those that were read, at a tenth of what a request costs.
 */
class RawHandler implements Handler {
  readonly #handler: Older;

  constructor(handler: Older) {
    this.#handler = handler;
  }

  onRequestStart(controller: Controller, context: object): void {
    this.#handler.onConnect?.((reason) => controller.abort(reason as Error), context);
  }

  onRequestUpgrade({ rawHeaders }: Controller, status: number, headers: Headers, socket: unknown): void {
    this.#handler.onUpgrade?.(status, rawOf(rawHeaders, headers), socket);
  }

  onResponseStart(controller: Controller, status: number, headers: Headers, message?: string): void {
    const raw = rawOf(controller.rawHeaders, headers);
    if (this.#handler.onHeaders?.(status, raw, () => controller.resume(), message) === false) controller.pause();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#handler.onData?.(chunk) === false) controller.pause();
  }

  onResponseEnd({ rawTrailers }: Controller, trailers: Headers): void {
    this.#handler.onComplete?.(rawOf(rawTrailers, trailers));
  }

  onResponseError(_: Controller, error: Error): void {
    this.#handler.onError?.(error);
  }
}

/** The controllers of the first undicis of version 7 do not hand them on. */
function rawOf(raw: Controller['rawHeaders'], headers: Headers): Raw {
  if (Array.isArray(raw)) return raw;
  return Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []].flat().flatMap((value) => [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')]),
  );
}

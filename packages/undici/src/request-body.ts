import { Readable } from 'node:stream';

/** A body that may have to be sent more than once, or must not be. */
export class RequestBody {
  readonly #body: unknown;
  #read = false;

  constructor(body: unknown) {
    this.#body = body;
    // It may break while nobody reads it: whoever does hears of it then.
    if (body instanceof Readable) body.on('error', ignore);
  }

  /** True for a stream or a generator: there is one reading in it. */
  get isOnce(): boolean {
    return this.#body instanceof Readable || this.#isGenerator;
  }

  /** Its one reading has begun. */
  get isSpent(): boolean {
    return this.#read || (this.#body instanceof Readable && (this.#body.destroyed || Readable.isDisturbed(this.#body)));
  }

  /**
   * What undici gets to send: of a body that can be read once, something that begins to read when there is a connection. An
   * attempt that was given up before that leaves the body to the next.
   */
  toSend(): unknown {
    if (!this.isOnce) return this.#body;
    const begin = (): AsyncIterable<unknown> => {
      this.#read = true;
      return this.#body as AsyncIterable<unknown>;
    };
    return {
      async *[Symbol.asyncIterator]() {
        yield* begin();
      },
    };
  }

  /** It will not be sent any more. */
  discard(): void {
    if (this.#body instanceof Readable) this.#body.destroy();
  }

  /** fetch hands every body on as one. */
  get #isGenerator(): boolean {
    const { next }: { next?: unknown } = Object(this.#body);
    return typeof next === 'function';
  }
}

function ignore(): void {}

import { Readable } from 'node:stream';

/** A body that may have to be sent more than once, or must not be. */
export class RequestBody {
  readonly #body: unknown;
  #read = false;

  constructor(body: unknown) {
    this.#body = body;
  }

  /** True for a stream or a generator: there is one reading in it. */
  get isOnce(): boolean {
    return this.#body instanceof Readable || this.#isGenerator;
  }

  /** Its one reading has begun. */
  get isSpent(): boolean {
    return this.#read || (this.#body instanceof Readable && (this.#body.destroyed || Readable.isDisturbed(this.#body)));
  }

  /** What undici gets to send. */
  toSend(): unknown {
    if (!this.#isGenerator) return this.#body;
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

  /** fetch hands every body on as one. */
  get #isGenerator(): boolean {
    const { next }: { next?: unknown } = Object(this.#body);
    return typeof next === 'function';
  }
}

import type { ClientRequest, IncomingMessage } from 'node:http';
import { passedOnTrailers } from './headers.js';
import { Refusal } from './refusal.js';
import type { Framing } from './request-check.js';

export interface BodyLimits {
  readonly maxBodyBytes: number;
  /** A client that sends nothing of a body it has begun for so long is given up. */
  readonly bodyIdleMs: number;
}

/** A client's body on its way: streamed once, and not begun before there is a connection to take it. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #limits: BodyLimits;
  /** Told when the client breaks a limit under way. */
  onRefused: (refusal: Refusal) => void = () => undefined;
  /** There is a body at all. */
  readonly exists: boolean;
  #begun = false;
  #sent = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: IncomingMessage, { chunked, length = 0 }: Framing, limits: BodyLimits) {
    this.#request = request;
    this.#limits = limits;
    this.exists = chunked || length > 0;
    if (length > limits.maxBodyBytes) throw tooLarge(limits);
  }

  /** Not a byte of it was taken: it can still go another way. */
  get isWhole(): boolean {
    return !this.#begun;
  }

  get bytes(): number {
    return this.#sent;
  }

  /** Streams it into a request that has its connection; `onMoved` is told of each part. */
  feed(outgoing: ClientRequest, onMoved?: () => void): void {
    if (this.#begun) return;
    this.#begun = true;
    const request = this.#request;
    this.#timer = setTimeout(() => this.#stalled(), this.#limits.bodyIdleMs);
    request.on('data', (chunk: Buffer) => {
      this.#timer?.refresh();
      this.#sent += chunk.length;
      onMoved?.();
      if (this.#sent > this.#limits.maxBodyBytes) return this.#refuse(tooLarge(this.#limits));
      if (!outgoing.write(chunk)) request.pause();
    });
    outgoing.on('drain', () => {
      this.#timer?.refresh();
      request.resume();
    });
    request.once('end', () => {
      this.stop();
      if (request.rawTrailers.length > 0) outgoing.addTrailers(passedOnTrailers(request.rawTrailers));
      outgoing.end();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #stalled(): void {
    // It is the target that does not go on reading.
    if (this.#request.isPaused()) this.#timer?.refresh();
    else this.#refuse(new Refusal(408, 'BODY_TIMEOUT', 'the body stopped coming'));
  }

  #refuse(refusal: Refusal): void {
    this.stop();
    this.#request.removeAllListeners('data').pause();
    this.onRefused(refusal);
  }
}

function tooLarge({ maxBodyBytes }: BodyLimits): Refusal {
  return new Refusal(413, 'BODY_TOO_LARGE', `the body is over ${maxBodyBytes} bytes`);
}

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { FailureOutcome, Lease } from '@fairlead/core';
import { failureOf, type Seen } from './failure.js';
import { noteOn, type FailureNote } from './failure-notes.js';

const WAITING: FailureNote = { phase: 'tunnel', sent: 'nothing' };

/** As much of a lease as an exchange looks at. */
type Watch = Pick<Lease, 'touch' | 'onEnd'>;

/**
 * What goes out under one lease through Node's client, on which axios and got stand: ends it when the pool ends the lease,
 * keeps the lease alive while bytes of the answer move, and knows whether anything can have been sent.
 */
export class Exchange {
  readonly #lease: Watch;
  #current: ClientRequest | undefined;
  #dropped = false;
  #ended = false;

  constructor(lease: Watch) {
    this.#lease = lease;
    lease.onEnd(() => this.end());
  }

  /** For `LeaseTerms.onRequest`. One exchange has several requests when the library follows redirects. */
  readonly onRequest = (request: ClientRequest): void => {
    this.#current = request;
    this.#dropped = false;
    const { destroy } = request;
    request.destroy = (error?: Error) => {
      this.#dropped ||= error == null;
      return destroy.call(request, error);
    };
    request.once('response', this.#keepAlive);
    if (this.#ended) this.end();
  };

  /** The request was ended from this side and for no error: whoever reads the answer has stopped. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** Ends what is under way, with an error that libraries take for a failed connection rather than for the caller's abort. */
  end(): void {
    this.#ended = true;
    this.#current?.destroy(Object.assign(new Error('the pool gave this attempt up'), { code: 'ETIMEDOUT' }));
  }

  /** What an error of the library's means, given what was seen here. */
  failure(error: unknown, elapsedMs: number, seen?: Seen): FailureOutcome {
    const failure = failureOf(error, elapsedMs, seen);
    // One that was never seen here may have gone any way.
    if (this.#current === undefined || failure.sent === 'nothing') return failure;
    // Without a socket yet it waited for a place, if it was not being dialled.
    const note = noteOn(this.#current) ?? (this.#current.socket == null ? WAITING : undefined);
    return note === undefined ? failure : { ...failure, ...note };
  }

  readonly #keepAlive = (response: IncomingMessage): void => {
    const { push } = response;
    // Any listener for data would set a stream flowing that the caller has not asked for yet.
    response.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      this.#lease.touch();
      return push.call(response, chunk, encoding);
    };
  };
}

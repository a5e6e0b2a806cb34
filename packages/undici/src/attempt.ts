import type { Duplex } from 'node:stream';
import type { Lease, Outcome, ResponseOutcome, Run } from '@fairlead/core';
import { answered, failureOf, speaksFor, type StandInController } from '@fairlead/dial';
import type { Dispatcher } from 'undici';
import { BodyPeek } from './body-peek.js';
import type { EndpointAgent } from './endpoint-agent.js';
import { onBytes } from './moving-bytes.js';

type Controller = Dispatcher.DispatchController;
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** How an attempt ended for the loop around it. */
export type Ended =
  /** The head of the answer goes to the caller; the rest takes care of itself. */
  | { readonly kind: 'delivered' }
  | { readonly kind: 'again' }
  | { readonly kind: 'failed'; readonly outcome: Outcome; readonly error: Error };

/** The loop around the attempts of one dispatch, as far as they look at it. */
export interface AttemptOwner {
  readonly run: Run;
  readonly handler: Dispatcher.DispatchHandler;
  /** The caller's controller. */
  readonly outer: StandInController;
  readonly bodyBytes: number;
  /** Where it goes. */
  readonly origin: string | URL | undefined;
  /** The body of the request has been read, and cannot be sent again. */
  readonly isSpent: boolean;
  ended(attempt: Attempt, ended: Ended): void;
  /** The lease of a delivered answer is settled. */
  settled(lease: Lease): void;
}

interface Head {
  readonly status: number;
  readonly headers: Headers;
  readonly message: string | undefined;
  readonly latencyMs: number;
}

interface Held {
  readonly head: Head;
  readonly chunks: Buffer[];
  /** Set once it is whole. */
  trailers: Headers | undefined;
}

/** One attempt as undici sees it: holds the answer back until it is known that it is the caller's. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly lease: Lease;
  readonly #owner: AttemptOwner;
  readonly #since = performance.now();
  #agent: EndpointAgent | undefined;
  #inner: Controller | undefined;
  #outcome: ResponseOutcome | undefined;
  /** Set while the first of the body is waited for, where the pool's classifier asks for it. */
  #peek: BodyPeek<Head> | undefined;
  /** An answer that is to be replaced, until another is there. */
  #held: Held | undefined;
  /** What the lease of a socket that stays open is settled with. */
  #upgraded: Outcome | undefined;
  #state: 'open' | 'delivered' | 'over' = 'open';

  constructor(owner: AttemptOwner, lease: Lease) {
    this.#owner = owner;
    this.lease = lease;
    lease.onEnd(this.#giveUp);
  }

  send(agent: EndpointAgent, options: Dispatcher.DispatchOptions): void {
    this.#agent = agent;
    agent.dispatch(options, this);
  }

  /** Nobody waits for it any more. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  onRequestStart(controller: Controller): void {
    this.#inner = controller;
    const { outer } = this.#owner;
    // Whoever gave up while undici was still connecting could not tell it.
    if (this.#state === 'over') return controller.abort(outer.reason ?? givenUp());
    outer.follow(controller);
  }

  onResponseStart(_: Controller, status: number, headers: Headers, message?: string): void {
    if (this.#state !== 'open') return;
    const { handler, outer, bodyBytes } = this.#owner;
    this.lease.touch();
    // An interim answer is none yet.
    if (status < 200) {
      outer.follow(this.#inner!);
      return handler.onResponseStart?.(outer, status, headers, message);
    }
    const head = { status, headers, message, latencyMs: this.#elapsedMs };
    if (bodyBytes > 0) this.#peek = new BodyPeek(head, headers['content-encoding'], bodyBytes);
    else this.#answer(head);
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    if (this.#state === 'over') return;
    if (this.#held !== undefined) return void this.#held.chunks.push(chunk);
    this.lease.touch();
    if (this.#peek === undefined) this.#owner.handler.onResponseData?.(this.#owner.outer, chunk);
    else if (this.#peek.add(chunk)) this.#answerPeeked(this.#peek);
  }

  onResponseEnd(_: Controller, trailers: Headers): void {
    this.#agent?.freed();
    if (this.#held !== undefined) {
      this.#held.trailers = trailers;
      return;
    }
    if (this.#state !== 'over' && this.#peek !== undefined) this.#answerPeeked(this.#peek);
    if (this.#state !== 'delivered') return;
    this.#settle(this.#outcome!);
    // A handler that throws hears of it by `onResponseError`, as the retry interceptor's counts on.
    this.#owner.handler.onResponseEnd?.(this.#owner.outer, trailers);
    this.#state = 'over';
  }

  onResponseError(_: Controller, error: Error): void {
    if (this.#state === 'over') return;
    if (this.#held !== undefined) return this.#dropHeld();
    if (this.#state === 'open') return this.#end({ kind: 'failed', outcome: this.#failure(error), error });
    this.#state = 'over';
    this.#settle(this.#failure(error));
    this.#owner.handler.onResponseError?.(this.#owner.outer, error);
  }

  onRequestUpgrade(controller: Controller, status: number, headers: Headers, socket: Duplex): void {
    const { run, handler, outer } = this.#owner;
    run.delivered();
    outer.follow(controller);
    this.#end(DELIVERED);
    this.#upgraded = { kind: 'response', status, latencyMs: this.#elapsedMs };
    this.lease.touch();
    onBytes(socket, () => this.lease.touch());
    socket.once('close', () => this.#settle(this.#upgraded!));
    handler.onRequestUpgrade?.(outer, status, headers, socket);
  }

  /** The caller has called it off. */
  abort(reason: Error): void {
    if (this.#inner !== undefined) this.#inner.abort(reason);
    else this.onResponseError(this.#owner.outer, reason);
  }

  /** What the caller gave cannot be sent at all, through whomever. */
  refuse(error: Error): void {
    if (this.#state !== 'open') return;
    const failure = { ...failureOf(error, this.#elapsedMs), fault: 'caller', sent: 'nothing' } as const;
    this.#end({ kind: 'failed', outcome: failure, error });
  }

  /** Another attempt was faster, or came after this one and has an answer. */
  supersede(): void {
    if (this.#state === 'over') return;
    this.#dropHeld();
    this.lease.settle({ kind: 'abandoned', elapsedMs: this.#elapsedMs });
    this.#inner?.abort(givenUp());
  }

  /** An answer that was to be replaced is there, whole or still to be read. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Nothing better came: the answer that was held is the caller's. */
  deliverHeld(): void {
    const { head, chunks, trailers } = this.#held!;
    const { handler, outer } = this.#owner;
    this.#held = undefined;
    try {
      this.#deliver(head);
      for (const chunk of chunks) handler.onResponseData?.(outer, chunk);
      if (trailers !== undefined) this.onResponseEnd(this.#inner!, trailers);
      else if (!outer.paused) this.#inner!.resume();
    } catch (error) {
      // undici, which hears of a handler that throws, is not among the callers here.
      this.onResponseError(this.#inner!, error as Error);
      this.#inner!.abort(error as Error);
    }
  }

  #answerPeeked(peek: BodyPeek<Head>): void {
    this.#peek = undefined;
    this.#answer(peek.head, peek);
    const { handler, outer } = this.#owner;
    if (this.#state === 'delivered') for (const chunk of peek.chunks) handler.onResponseData?.(outer, chunk);
  }

  #answer(head: Head, peek?: BodyPeek<Head>): void {
    const { run, isSpent, origin } = this.#owner;
    const { status, headers, latencyMs } = head;
    const via = speaksFor(this.lease.endpoint, origin) ? 'absolute' : undefined;
    const outcome = answered({ status, headers, latencyMs, via, bodyPrefix: peek?.prefix() });
    this.#outcome = outcome;
    if (run.mayRepeat(outcome) && !isSpent) {
      const { kind } = run.report(this.lease, outcome);
      if (kind === 'reroute' || kind === 'replay') {
        this.#held = { head, chunks: [...(peek?.chunks ?? [])], trailers: undefined };
        this.#inner!.pause();
        return this.#owner.ended(this, AGAIN);
      }
    } else {
      run.delivered();
    }
    this.#owner.ended(this, DELIVERED);
    this.#deliver(head);
  }

  #deliver({ status, headers, message }: Head): void {
    const { handler, outer } = this.#owner;
    this.#state = 'delivered';
    // Whom the caller holds back, and reads raw headers from, is this one, whoever else was started after it.
    outer.follow(this.#inner!);
    try {
      handler.onResponseStart?.(outer, status, headers, message);
    } catch (error) {
      // As the retry interceptor's does for an answer that it will not have: what was seen is seen.
      this.#settle(this.#outcome!);
      throw error;
    }
  }

  #dropHeld(): void {
    this.#held = undefined;
    this.#state = 'over';
  }

  /** The pool has ended the lease: what undici still has to connect for is not waited for. */
  readonly #giveUp = (): void => {
    // A socket that is still for long gives its place back, and lives on.
    if (this.#upgraded !== undefined) return this.#settle(this.#upgraded);
    const error = givenUp();
    if (this.#inner !== undefined) this.#inner.abort(error);
    else this.onResponseError(this.#owner.outer, error);
  };

  get #elapsedMs(): number {
    return performance.now() - this.#since;
  }

  #end(ended: Ended): void {
    this.#state = 'over';
    this.#owner.ended(this, ended);
  }

  #settle(outcome: Outcome): void {
    this.lease.settle(outcome);
    this.#owner.settled(this.lease);
  }

  #failure(error: Error): Outcome {
    const elapsedMs = this.#elapsedMs;
    const { outer } = this.#owner;
    // A signal that timed out is a timeout of the client's, any other abort the caller's own doing.
    const timedOut = outer.reason?.name === 'TimeoutError';
    if (outer.aborted && !timedOut) return { kind: 'abandoned', elapsedMs };
    const response = this.#outcome !== undefined || this.#peek !== undefined;
    const failure = failureOf(error, elapsedMs, { response, timedOut });
    if (this.#inner !== undefined || failure.sent === 'nothing') return failure;
    // undici names its controller once it has a connection: without one nothing was sent.
    return { ...failure, phase: 'tunnel', sent: 'nothing' };
  }
}

const DELIVERED: Ended = Object.freeze({ kind: 'delivered' });
const AGAIN: Ended = Object.freeze({ kind: 'again' });

function givenUp(): Error {
  return Object.assign(new Error('the pool gave this attempt up'), { code: 'ETIMEDOUT' });
}

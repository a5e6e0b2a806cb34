import type { Socket } from 'node:net';
import { DialError, type DialFailure, type DialPhase } from './dial-error.js';
import { startTimer } from './timer.js';

/** A failure as a step reports it: the phase is where the attempt stands, unless the step knows better. */
export type StepFailure = Omit<DialFailure, 'phase'> & { readonly phase?: DialPhase };

export interface Step<T> {
  readonly done: (value: T) => void;
  readonly fail: (failure: StepFailure) => void;
}

/** As much of an AbortSignal as a dial looks at: who opens thousands of tunnels a second has cheaper ones. */
export interface Abortion {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A signal's reason that is told how far the dial had come when it was aborted. */
export class Abandonment {
  phase: DialPhase | undefined;
}

/**
 * One dial from first to last: a single deadline over all its steps, an abort that is heard in each of them, and every
 * socket it opened destroyed when it fails.
 */
export class Attempt {
  readonly #signal: Abortion | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #sockets: Socket[] = [];
  #phase: DialPhase | (() => DialPhase) = 'proxy-connect';
  #reject: ((error: DialError) => void) | undefined;
  #failure: DialError | undefined;

  constructor(timeoutMs: number, signal?: Abortion) {
    this.#signal = signal;
    this.#timer = startTimer(this.#expire, timeoutMs);
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (signal?.aborted) this.#abort();
  }

  get phase(): DialPhase {
    return typeof this.#phase === 'function' ? this.#phase() : this.#phase;
  }

  /** It has failed. */
  get over(): boolean {
    return this.#failure !== undefined;
  }

  /** Enters a phase; a function where only someone else knows how far the exchange has come. */
  enter(phase: DialPhase | (() => DialPhase)): void {
    this.#phase = phase;
  }

  /** Calls back when the attempt fails, for steps that are taken without a promise each. */
  onFailure(reject: (error: DialError) => void): void {
    if (this.#failure === undefined) this.#reject = reject;
    else reject(this.#failure);
  }

  /** Runs what a step does; what throws in it was the caller's: a lookup of his, or an authority that cannot be read. */
  guard(work: () => void): void {
    try {
      work();
    } catch {
      const code = this.phase === 'proxy-tls' ? 'PROXY_TLS' : 'PROXY_CONNECT';
      this.fail({ code, fault: 'caller', message: 'what the caller gave the dial to use threw' });
    }
  }

  /** Runs one step; a deadline or an abort meanwhile rejects it. */
  step<T>(start: (step: Step<T>) => void): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.guard(() => start({ done: resolve, fail: (failure) => this.fail(failure) }));
    });
  }

  /** A socket goes when the attempt fails. */
  own(socket: Socket): void {
    this.#sockets.push(socket);
  }

  /** Answers for a socket: it goes when the attempt fails, and its late errors crash nobody. */
  hold<S extends Socket>(socket: S): S {
    this.own(socket);
    socket.on('error', ignore);
    return socket;
  }

  /** Ends the attempt; the first reason is the one that counts. */
  fail(failure: StepFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = new DialError({ phase: this.phase, ...failure });
    this.release();
    // The listener of `hold` stays on: a destroyed socket may still have an error to tell.
    for (const socket of this.#sockets) socket.destroy();
    this.#reject?.(this.#failure);
  }

  /** The last socket is the caller's from here on, and so are its errors. */
  finish(): void {
    this.release();
    this.#sockets.at(-1)?.off('error', ignore);
  }

  /** Stops watching the clock and the signal. */
  release(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  readonly #expire = (): void => {
    // Up to the tunnel only the proxy had to act; in it, it may be waiting for the target.
    const fault = this.phase === 'tunnel' ? 'unclear' : 'endpoint';
    this.fail({ code: 'PROXY_TIMEOUT', fault, message: `the proxy did not answer in time (${this.phase})` });
  };

  readonly #abort = (): void => {
    const reason: unknown = this.#signal?.reason;
    if (reason instanceof Abandonment) reason.phase = this.phase;
    this.fail({ code: 'ABORTED', fault: 'caller', message: 'the dial was aborted' });
  };
}

/**
 * Gives a proxy that speaks first the chance to be caught: its answer to a question nobody asked proves nothing. Two
 * turns of the loop, for bytes that are there already are read in the second.
 */
export function expectSilence(socket: Socket, attempt: Attempt): Promise<void> {
  return attempt.step(({ done, fail }) => {
    const gone = () =>
      fail({ code: 'PROXY_CLOSED', fault: 'endpoint', message: 'the proxy closed the connection at once' });
    socket.once('close', gone);
    const check = () => {
      socket.off('close', gone);
      if (socket.readableLength === 0) return done();
      fail({ code: 'PROXY_PROTOCOL', fault: 'endpoint', message: 'the proxy spoke before it was asked' });
    };
    setImmediate(() => setImmediate(check));
  });
}

function ignore(): void {}

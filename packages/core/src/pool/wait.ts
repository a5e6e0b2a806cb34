import { FairleadError } from '../errors.js';
import type { Dispatcher } from './dispatcher.js';
import { Lease } from './lease.js';
import type { Refusal } from './refusal.js';
import type { Run } from './run.js';
import type { Waiter } from './waiters.js';

/** A lease at once or after waiting in line; rejects when it is hopeless, at the deadline, on abort and on close. */
export function waitForLease(dispatcher: Dispatcher, run: Run, full: () => void): Lease | Promise<Lease> {
  const { signal } = run.request;
  if (signal?.aborted === true) return Promise.reject(abortedError(signal));
  const answer = dispatcher.grant(run);
  if (answer instanceof Lease) return answer;
  dispatcher.counters.refused(answer);
  if (answer.error !== undefined) return Promise.reject(answer.error);
  return new Promise((resolve, reject) => {
    joinLine(dispatcher, run, answer, { resolve, reject, full }, (waiter) => {
      const next = dispatcher.grant(run);
      if (!(next instanceof Lease) && next.error === undefined) {
        dispatcher.line.defer(waiter, next.retryAt, next.parked === true);
        return false;
      }
      waiter.answer(next);
      return true;
    });
  });
}

export function refuseAborted({ request: { signal } }: Run): void {
  if (signal?.aborted === true) throw abortedError(signal);
}

/** A caller in line, as its attempts see it. */
export interface Caller extends Waiter {
  /** It was answered, or has given up. */
  over: boolean;
  asking: boolean;
  answer(answer: Lease | Refusal): void;
}

interface Settlers {
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: Error) => void;
  /** The line has no room. */
  readonly full: () => void;
}

/** Puts the caller in line; `attempt` tries for it, and tells whether it was answered. */
export function joinLine(
  dispatcher: Dispatcher,
  run: Run,
  { retryAt, parked }: Refusal,
  { resolve, reject, full }: Settlers,
  attempt: (caller: Caller) => boolean,
): void {
  const { signal } = run.request;
  const done = (): void => {
    waiter.over = true;
    release?.();
    signal?.removeEventListener('abort', onAbort);
  };
  const waiter: Caller = {
    target: run.target,
    deadline: run.waitsUntil,
    plain: run.isPlain && run.tried.size === 0,
    terms: run.policy,
    wakeAt: retryAt,
    parked: parked === true,
    over: false,
    asking: false,
    attempt: () => attempt(waiter),
    answer(answer) {
      done();
      if (answer instanceof Lease) resolve(answer);
      else reject(answer.error!);
    },
    fail(error: Error): void {
      done();
      // The line knows of one moment only: it is the wait that has ended, and the request may have time left.
      const early = codeOf(error) === 'DEADLINE_EXCEEDED' && dispatcher.now() < run.deadline;
      reject(early ? waitedOut(run) : error);
    },
  };
  const onAbort = (): void => {
    dispatcher.line.leave(waiter);
    waiter.fail(abortedError(signal));
  };
  // First of all: what the user brought may throw, and nobody would take the caller out of the line again.
  signal?.addEventListener('abort', onAbort, { once: true });
  // In line for nothing but a timer of the pool: the process goes on until there is an answer.
  const release = dispatcher.hold();
  if (!dispatcher.line.join(waiter)) {
    done();
    full();
    return reject(lineFull(run));
  }
  dispatcher.reschedule();
}

function abortedError(signal: AbortSignal | undefined): FairleadError {
  return new FairleadError('ABORTED', 'the request was aborted', { cause: signal?.reason });
}

function waitedOut({ target, policy }: Run): FairleadError {
  return new FairleadError('QUEUE_TIMEOUT', `no proxy became free for ${target} within ${policy.maxWaitMs} ms`);
}

function codeOf(error: Error): unknown {
  return error instanceof FairleadError ? error.code : undefined;
}

function lineFull({ target }: Run): FairleadError {
  return new FairleadError('QUEUE_FULL', `the waiting line is full; ${target} must wait for room`);
}

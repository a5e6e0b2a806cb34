import { FairleadError } from '../errors.js';
import type { Dispatcher } from './dispatcher.js';
import { Lease } from './lease.js';
import type { Run } from './run.js';

/** A lease at once or after waiting in line; rejects when it is hopeless, at the deadline, on abort and on close. */
export function waitForLease(dispatcher: Dispatcher, run: Run, full: () => void): Promise<Lease> {
  const { signal } = run.request;
  if (signal?.aborted === true) return Promise.reject(abortedError(signal));
  const answer = dispatcher.grant(run);
  if (answer instanceof Lease) return Promise.resolve(answer);
  dispatcher.counters.refused(answer);
  if (answer.error !== undefined) return Promise.reject(answer.error);
  return new Promise((resolve, reject) => joinLine(dispatcher, run, answer.retryAt, { resolve, reject, full }));
}

interface Settlers {
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: Error) => void;
  /** The line has no room. */
  readonly full: () => void;
}

function joinLine(dispatcher: Dispatcher, run: Run, wakeAt: number, { resolve, reject, full }: Settlers): void {
  const { signal } = run.request;
  const done = (): void => signal?.removeEventListener('abort', onAbort);
  const waiter = {
    target: run.target,
    deadline: run.waitsUntil,
    plain: run.isPlain && run.tried.size === 0,
    wakeAt,
    attempt(): boolean {
      const answer = dispatcher.grant(run);
      if (!(answer instanceof Lease) && answer.error === undefined) {
        waiter.wakeAt = answer.retryAt;
        return false;
      }
      done();
      if (answer instanceof Lease) resolve(answer);
      else reject(answer.error!);
      return true;
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
  if (!dispatcher.line.join(waiter)) {
    full();
    return reject(lineFull(run));
  }
  signal?.addEventListener('abort', onAbort, { once: true });
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

import type { Dispatcher } from './dispatcher.js';
import { Lease } from './lease.js';
import type { Run } from './run.js';
import type { SharedDesk } from './shared-desk.js';
import { joinLine, refuseAborted, type Caller } from './wait.js';

/**
 * A lease of a shared store at once or after waiting in line. Callers of one target ask one after another once they wait:
 * who came first is served first in this process, and the store is not asked by a crowd.
 */
export async function waitForSharedLease(
  dispatcher: Dispatcher,
  desk: SharedDesk,
  run: Run,
  full: () => void,
): Promise<Lease> {
  refuseAborted(run);
  const ahead = run.isPlain && dispatcher.line.sizeOf(run.target) > 0;
  const answer = ahead ? { retryAt: dispatcher.now() } : await desk.grant(run);
  if (answer instanceof Lease) return answer;
  refuseAborted(run);
  dispatcher.counters.refused(answer);
  if (answer.error !== undefined) throw answer.error;
  return new Promise((resolve, reject) => {
    let asking = false;
    joinLine(dispatcher, run, answer, { resolve, reject, full }, (caller) => {
      if (asking) return false;
      asking = true;
      // Until the answer is there nothing comes of asking again.
      caller.wakeAt = Number.POSITIVE_INFINITY;
      void askInLine(dispatcher, desk, run, caller).finally(() => (asking = false));
      return false;
    });
  });
}

async function askInLine(dispatcher: Dispatcher, desk: SharedDesk, run: Run, caller: Caller): Promise<void> {
  const answer = await desk.grant(run);
  if (caller.over) {
    // The caller has gone meanwhile: its place returns, and nobody is blamed.
    if (answer instanceof Lease) answer[Symbol.dispose]();
    return;
  }
  if (!(answer instanceof Lease) && answer.error === undefined) {
    dispatcher.line.defer(caller, answer.retryAt, answer.parked === true);
    return dispatcher.reschedule();
  }
  dispatcher.line.leave(caller);
  caller.answer(answer);
  // The next in line may ask.
  dispatcher.changed();
}

import type { Dispatcher } from './dispatcher.js';
import { Lease } from './lease.js';
import type { Run } from './run.js';
import type { SharedDesk } from './shared-desk.js';
import { joinLine, refuseAborted, type Caller } from './wait.js';

/**
 * A lease of a shared store at once or after waiting in line. Callers of one target ask in the order they came, as many at
 * once as the store has lately had room for.
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
    joinLine(dispatcher, run, answer, { resolve, reject, full }, (caller) => {
      if (caller.asking) return false;
      // Until an answer is there nothing comes of asking again.
      caller.wakeAt = Number.POSITIVE_INFINITY;
      // What is refused here costs no trip: everyone hears at once for whom waiting is hopeless.
      const counted = caller.plain && dispatcher.suspendedUntil(run.target) === 0;
      if (counted && !desk.window.enter(run.target)) return false;
      caller.asking = true;
      void askInLine(dispatcher, desk, run, caller, counted);
      return false;
    });
  });
}

async function askInLine(
  dispatcher: Dispatcher,
  desk: SharedDesk,
  run: Run,
  caller: Caller,
  counted: boolean,
): Promise<void> {
  const answer = await desk.grant(run);
  const granted = answer instanceof Lease;
  const { line } = dispatcher;
  caller.asking = false;
  if (caller.over) {
    // The caller has gone meanwhile: its place returns, and nobody is blamed.
    if (granted) answer[Symbol.dispose]();
  } else if (granted || answer.error !== undefined) {
    line.leave(caller);
    caller.answer(answer);
  }
  if (counted) desk.window.leave(run.target, granted, line.sizeOf(run.target) === 0);
  // The next in line may ask.
  if (granted || answer.error !== undefined) return dispatcher.changed();
  // Not before it may help, nor those behind it.
  if (!caller.over) line.defer(caller, answer.retryAt, answer.parked === true);
  line.deferOthers(caller, answer.retryAt);
  dispatcher.reschedule();
}

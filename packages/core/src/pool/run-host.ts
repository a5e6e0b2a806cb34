import { Budget } from './budget.js';
import type { Dispatcher } from './dispatcher.js';
import type { Emitter } from './events.js';
import { Lease } from './lease.js';
import type { ResolvedOptions } from './options.js';
import { closedError } from './refusal.js';
import type { RunHost } from './run.js';
import { waitForSharedLease } from './shared-wait.js';
import { waitForLease } from './wait.js';

/** What a fresh pool may spend on replays before its first success, and the most that is saved up. */
const BUDGET_RESERVE = 100;

/** What the runs of a pool ask of it, with the budgets that bound what they send twice. */
export function runHost(dispatcher: Dispatcher, events: Emitter, options: ResolvedOptions): RunHost {
  const { clock, store } = options;
  const replays = new Budget(BUDGET_RESERVE);
  const hedges = new Budget(BUDGET_RESERVE / 10);
  const { counters, shared } = dispatcher;
  const full = (): void => events.emit('bound-reached', { what: 'waiting' });
  dispatcher.onCarried = () => replays.earn(options.policy.retry.budget);
  dispatcher.onGranted = () => hedges.earn(options.policy.hedge.perAttempt);
  return {
    now: () => clock.now(),
    tryLease: (run) => {
      const answer = dispatcher.grant(run);
      if (answer instanceof Lease) return answer;
      counters.refused(answer);
      return undefined;
    },
    askLease: shared === undefined ? undefined : (run) => shared.grantOnce(run),
    lease: (run) => {
      if (dispatcher.closed) return Promise.reject(closedError());
      return shared === undefined
        ? waitForLease(dispatcher, run, full)
        : waitForSharedLease(dispatcher, shared, run, full);
    },
    couldServe: (run) => dispatcher.members.couldServe(run),
    classify: (outcome) => dispatcher.judge.verdictOn(outcome),
    isSuspended: (target) => store.ledger.suspendedUntil(target, clock.now()) > 0,
    affords: (kind) => (kind === 'replay' ? replays : hedges).has(),
    pathsFor: (target, most) => counters.pathsFor(dispatcher.kernel.internTarget(target), target, most),
    ended: (answered) => counters.ended(answered),
    sentAgain: (kind, { target }) => {
      switch (kind) {
        case 'reroute':
          counters.rerouted += 1;
          return events.emit('rerouted', { target });
        case 'replay':
          replays.spend();
          counters.replayed += 1;
          return events.emit('replayed', { target });
        case 'hedge':
          hedges.spend();
          counters.hedged += 1;
          return events.emit('hedged', { target });
        case 'race':
          counters.raced += 1;
          return events.emit('raced', { target });
        default:
          return kind satisfies never;
      }
    },
  };
}

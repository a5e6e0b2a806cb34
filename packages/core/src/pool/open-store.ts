import type { Instant } from '../ports/clock.js';
import type { StoreReport } from '../ports/records.js';
import type { Target } from '../target.js';
import type { Dispatcher } from './dispatcher.js';
import type { Emitter } from './events.js';
import type { PoolStore } from './pool-store.js';
import { ONLY_A_RELEASE, unusableError, type Refusal } from './refusal.js';

/** Sets the store to work. Answers what callers are told until it is open; `opened` hears what they are told then. */
export function openStore(
  { options, link, shared }: PoolStore,
  dispatcher: Dispatcher,
  events: Emitter,
  opened: (gate: Refusal | undefined) => void,
): Refusal | undefined {
  if (link === undefined) return undefined;
  const { clock, random } = options;
  const { kernel, roster } = dispatcher;
  const report = (event: StoreReport): void => events.emit('store', event);
  shared?.start(dispatcher, report);
  link.start({
    kernel,
    roster,
    clock,
    random,
    report,
    opened: (cause) => opened(cause === undefined ? undefined : { retryAt: 0, error: unusableError(cause) }),
    heard: {
      suspension: (target: Target, until: Instant, why: string) => shared?.heard(target, until, why),
      all: () => {
        dispatcher.effects.flush();
        dispatcher.changed();
      },
    },
    reschedule: () => dispatcher.reschedule(),
  });
  return ONLY_A_RELEASE;
}

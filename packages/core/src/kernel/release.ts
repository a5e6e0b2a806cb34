import { ALL_TIERS, isOpen, suits, type RankQuery } from './query.js';
import { setStanding, type KernelState } from './state.js';
import { Standing, type Row } from './table.js';
import { soonest } from './due-queue.js';

/** How many of the soonest-due rows are looked at for one that suits the request. */
const LOOK = 16;

/** Ends the cooldowns that have run out: those rows are on trial. */
export function releaseDue(state: KernelState, now: number): void {
  const { table, due } = state;
  for (let row = soonest(due); row >= 0 && table.coolUntil[row]! <= now - table.epoch; row = soonest(due)) {
    setStanding(state, row, Standing.trial, now);
    state.onEffect('released', row, -1, now);
  }
}

/**
 * Nothing else is left for the request: the soonest-due cooling row that suits it is put on trial early, once it rested a
 * little; in a small pool, or where everything that suits is cooling, after hardly any rest. Returns the row, or -1.
 */
export function releaseEarly(state: KernelState, query: RankQuery): Row {
  const { due, table, fleet, constants } = state;
  const narrow = isNarrow(query);
  const panic =
    fleet.present <= constants.panicSize || fleet.present === due.size || (narrow && !isServed(state, query));
  const rest = panic ? constants.panicRestMs : constants.earlyReleaseMs;
  // What few rows fit may be due long after all the others.
  const look = narrow ? constants.scanRows : LOOK;
  let best = -1;
  for (let index = 0; index < Math.min(due.size, look); index += 1) {
    const row = due.heap[index]!;
    if (best >= 0 && table.coolUntil[row]! >= table.coolUntil[best]!) continue;
    // A lease from before it cooled is still out: on trial it may carry one, and that is the one.
    if (table.inFlight[row]! > 0 || !suits(state, row, query) || !isOpen(state, row, query)) continue;
    const restedAt = table.epoch + table.touched[row]! + rest;
    if (restedAt > query.now) state.opensAt = Math.min(state.opensAt, restedAt);
    else best = row;
  }
  if (best < 0) return -1;
  const early = table.epoch + table.touched[best]! + constants.earlyReleaseMs <= query.now;
  setStanding(state, best, Standing.trial, query.now);
  state.onEffect(early ? 'released-early' : 'panicked', best, -1, query.now);
  return best;
}

function isNarrow({ tags, tiers, allowed }: RankQuery): boolean {
  return tags !== 0 || tiers !== ALL_TIERS || allowed !== undefined;
}

/** Whether a row that suits the request is in service, if only busy: there is something to wait for. */
function isServed(state: KernelState, query: RankQuery): boolean {
  const { table, constants } = state;
  for (let row = 0; row < Math.min(table.size, constants.scanRows); row += 1) {
    const standing = table.standing[row];
    if ((standing === Standing.active || standing === Standing.trial) && suits(state, row, query)) return true;
  }
  return false;
}

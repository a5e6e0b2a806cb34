import { cooldownLength, firstCooldown, isHopeless, isSurprising } from './cooldown.js';
import { priorOf, successRate } from './estimate.js';
import { noveltyRate } from './fleet.js';
import { setStanding, type KernelState } from './state.js';
import { PROVEN, Standing, type Row } from './table.js';

/** Decides after a failure whether the endpoint rests, and lays it down. */
export function restAfterFailure(
  state: KernelState,
  row: Row,
  judged: { readonly blame: number; readonly rate: number },
  now: number,
  random: () => number,
): void {
  const { table, constants, cooldown } = state;
  const standing = table.standing[row];
  const evictAfter = cooldown.evictAfter ?? constants.evictAfter;
  // Leases taken before it was laid down, held or retired still settle; they change nothing.
  if (standing !== Standing.active && standing !== Standing.trial) return;
  if (evictAfter > 0 && table.misses[row]! >= evictAfter) return evict(state, row, now);
  if (!isDue(state, row, judged, now)) return;
  cool(state, row, now, random);
}

function isDue(
  state: KernelState,
  row: Row,
  judged: { readonly blame: number; readonly rate: number },
  now: number,
): boolean {
  const { table, fleet, constants, cooldown } = state;
  const failedTrial = table.standing[row] === Standing.trial && judged.blame > constants.trialBlame;
  if (cooldown.kind === 'streak') {
    return table.streak[row]! >= cooldown.failures - 1e-6 || (failedTrial && table.spells[row]! > 0);
  }
  if (table.standing[row] === Standing.trial) return failedTrial;
  const success = table.success[row]!;
  const failure = table.failure[row]!;
  const streak = table.streak[row]!;
  const prior = priorOf(table, fleet, row, now, constants);
  // What it was held to be before the run: judged by the estimate that the run itself pulls down, none is improbable.
  const before = successRate(success, Math.max(0, failure - streak), prior, constants);
  if (isSurprising(before, streak, constants)) return true;
  return isHopeless(successRate(success, failure, prior, constants), success + failure, constants);
}

function cool(state: KernelState, row: Row, now: number, random: () => number): void {
  const { table } = state;
  table.spells[row] = Math.min(255, table.spells[row]! + 1);
  table.streak[row] = 0;
  const until = now + restLength(state, row, now, random);
  table.coolUntil[row] = until - table.epoch;
  setStanding(state, row, Standing.cooling, now);
  state.onEffect('cooled', row, -1, until);
}

function restLength(state: KernelState, row: Row, now: number, random: () => number): number {
  const { table, fleet, constants, cooldown } = state;
  const spell = table.spells[row]!;
  if (cooldown.kind === 'streak') {
    return Math.min(cooldown.maxMs, cooldown.baseMs * cooldown.growth ** (spell - 1));
  }
  const proven = (table.flags[row]! & PROVEN) !== 0;
  return cooldownLength(
    firstCooldown(proven, noveltyRate(fleet, now, constants), constants),
    spell,
    random(),
    constants,
  );
}

function evict(state: KernelState, row: Row, now: number): void {
  setStanding(state, row, Standing.held, now);
  state.onEffect('evicted', row, -1, now);
}

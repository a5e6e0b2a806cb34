import type { EtsConstants } from './defaults.js';
import type { TargetState } from './targets.js';

/** Endpoints remembered of one run of failures: by then any breaker is open. */
const RUN = 32;

/** Whether a failing target's breaker is due to open: by its counters, or by how improbable the run is. */
export function breakerDue(state: TargetState, c: EtsConstants): boolean {
  if (state.breaker === 'open') return false;
  const { success, failure, surprise } = state;
  const mostlyFails = failure > c.breakerFailures && failure / (success + failure + 0.5) > c.breakerShare;
  return mostlyFails || surprise < c.breakerSurprise;
}

/** A proven endpoint failed here: counted once, since ten failures of one endpoint are one endpoint's evidence. */
export function addToRun(state: TargetState, row: number, rate: number): void {
  if (state.failedRows.length >= RUN || state.failedRows.includes(row)) return;
  state.failedRows.push(row);
  state.surprise += Math.log(1 - Math.min(0.999, rate));
}

export function openBreaker(state: TargetState, now: number, c: EtsConstants): void {
  state.breaker = 'open';
  state.probeDelayMs = c.probeMs;
  state.probeAt = now + c.probeMs;
  state.probeRow = -1;
}

/** An attempt on a target that is down: the probe, unless one is out. */
export function sendProbe(state: TargetState, row: number, now: number): void {
  if (state.probeRow >= 0) return;
  state.probeRow = row;
  state.probedAt = now;
}

/** What is out through a probe's row besides it began before the breaker opened, and no probe goes sooner than this after. */
const LEAD_MS = 500;

/** Whether the probe is out no more, now that this attempt ended. */
export function wasProbe({ probeRow, probedAt, inFlight }: TargetState, row: number, startedAt: number): boolean {
  if (probeRow < 0) return false;
  // However wrongly its time was told, and whoever comes last: when nothing is out any more, neither is the probe.
  return inFlight === 0 || (probeRow === row && startedAt > probedAt - LEAD_MS);
}

/** The probe failed: the next one comes later. */
export function postponeProbe(state: TargetState, now: number, c: EtsConstants): void {
  state.probeDelayMs = Math.min(c.probeMaxMs, state.probeDelayMs * c.probeGrowth);
  state.probeAt = now + state.probeDelayMs;
  state.probeRow = -1;
}

/** Any answer proves that the target is there. Returns whether the breaker was open. */
export function answered(state: TargetState): boolean {
  endRun(state);
  if (state.breaker === 'closed') return false;
  state.breaker = 'closed';
  state.success = 0;
  state.failure = 0;
  state.probeRow = -1;
  state.probeAt = Number.POSITIVE_INFINITY;
  return true;
}

/** Whether an attempt may start: always while closed; while open one probe at a time, when it is due. */
export function breakerAllows(state: TargetState, now: number): boolean {
  return state.breaker === 'closed' || (state.probeRow < 0 && now >= state.probeAt);
}

function endRun(state: TargetState): void {
  // Nearly every answer finds no run to end, and to write an array's length is slow.
  if (state.failedRows.length === 0) return;
  state.surprise = 0;
  state.failedRows.length = 0;
}

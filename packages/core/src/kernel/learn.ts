import { lateBlame, loadShare, sharedBlame, targetFailureRate } from './blame.js';
import { addToRun, answered, breakerDue, openBreaker, postponeProbe, wasProbe } from './breaker.js';
import type { EtsConstants } from './defaults.js';
import { decay, rateOf } from './estimate.js';
import type { Fact } from './fact.js';
import { observeNovelty } from './fleet.js';
import { keepClear, raiseInterval, relaxInterval, type Refusal } from './interval.js';
import { cutLimit, grownLimit, growthShare, noteCarried, noteRefusal } from './limit.js';
import { patienceOf } from './patience.js';
import { block, forgive, measureLimit, strike } from './pairs.js';
import { addSample } from './quantiles.js';
import { restAfterFailure } from './rest.js';
import { place, roomLimit, setLimit, setStanding, type KernelState } from './state.js';
import { takeBackUse } from './usage.js';
import { PROVEN, Standing, TRIED, type Row } from './table.js';
import { decayTarget, type TargetState } from './targets.js';

/** An attempt ended: the endpoint, the target and the pair learn from it, each its own share. */
export function learn(
  state: KernelState,
  row: Row,
  target: number,
  fact: Fact,
  now: number,
  random: () => number,
): void {
  const { table, constants } = state;
  const where = state.targets.states[target]!;
  const atLimit = table.inFlight[row]! >= roomLimit(table, row);
  table.inFlight[row] = Math.max(0, table.inFlight[row]! - 1);
  where.inFlight = Math.max(0, where.inFlight - 1);
  const rate = rateOf(table, state.fleet, row, now, constants);
  decay(table, row, now, constants);
  decayTarget(where, now, constants);
  if (where.usage !== undefined && fact.connect && fact.health === 'bad') takeBackUse(where.usage, row);
  // What the target says of itself is heard first: who is to blame depends on it.
  const blame = blameOf(state, row, where, fact, rate, atLimit);
  learnTarget(state, row, target, fact, blame, rate, now);
  if (fact.health === 'good') carried(state, row, fact, atLimit, now);
  else if (blame > 0) failed(state, row, fact, { blame, rate }, now, random);
  place(state, row, now);
}

/** The endpoint's share of a failure: 0 where it carried the attempt, 1 where nobody else can have been. */
function blameOf(
  { table, fleet, constants }: KernelState,
  row: Row,
  where: TargetState,
  fact: Fact,
  rate: number,
  atLimit: boolean,
): number {
  if (fact.overtaken === true) {
    const { hangs, untriedHangs } = fleet.patience;
    return lateBlame(rate, table.latency[row] === 0 ? untriedHangs : hangs, 1 - constants.hedgeQuantile);
  }
  if (fact.health === 'good' || fact.health === 'none') return 0;
  if (fact.health === 'split') {
    return sharedBlame(1 - rate, targetFailureRate(where.success, where.failure, constants));
  }
  const crowded = fact.connect && (table.flags[row]! & PROVEN) !== 0 && table.inFlight[row]! > 0;
  return crowded ? 1 - loadShare(rate, atLimit, rate > constants.sureRate ? table.misses[row]! : 0, constants) : 1;
}

function carried(state: KernelState, row: Row, fact: Fact, atLimit: boolean, now: number): void {
  const { table, fleet, constants } = state;
  if (fact.first && (table.flags[row]! & TRIED) === 0) observeNovelty(fleet, 0, now, constants);
  table.success[row] = table.success[row]! + 1;
  noteCarried(table, row);
  endRun(state, row, now - fact.elapsedMs, now);
  table.spells[row] = 0;
  // A refusal is quick: taken for the endpoint's latency it would make the most refused one look best.
  if (fact.answer === 'served') learnLatency(state, row, fact.elapsedMs);
  if (table.standing[row] === Standing.active && atLimit) {
    setLimit(
      state,
      row,
      Math.min(grownLimit(table.limit[row]!, growthShare(table, row), constants), table.maxInFlight[row]!),
    );
  }
  table.flags[row] = table.flags[row]! | PROVEN | TRIED;
  // Even a refusal by the target proves that the endpoint carries traffic again, and so does a late success.
  if (table.standing[row] === Standing.trial || table.standing[row] === Standing.cooling) {
    setStanding(state, row, Standing.active, now);
    state.onEffect('activated', row, -1, now);
  }
}

/** A success ends the run of failures; one that had begun before the last of them is old news and halves it. */
function endRun({ table, fleet, constants }: KernelState, row: Row, startedAt: number, now: number): void {
  const late = table.misses[row]! > 0 && startedAt < table.epoch + table.failedAt[row]!;
  const old = late && rateOf(table, fleet, row, now, constants) > constants.sureRate;
  table.streak[row] = old ? table.streak[row]! / 2 : 0;
  table.misses[row] = old ? table.misses[row]! >> 1 : 0;
}

/** First answers come one for each endpoint: past so many, what the latest took counts for more. */
const FIRSTS_FADE_AT = 256;

function learnLatency(state: KernelState, row: Row, elapsedMs: number): void {
  const { table, fleet, constants } = state;
  const known = table.latency[row]!;
  // A success long after its time stands for those that were given up. Not at once after it: what the row is given moves
  // between the start of an attempt and its end, and a success taken for a late one by mistake would weigh as much.
  const late =
    fleet.ratios.total >= constants.abandonSamples && elapsedMs > constants.lateFactor * patienceOf(state, row);
  const stands = late ? 1 / constants.fullTimeoutShare : 1;
  if (known > 0) addSample(fleet.ratios, elapsedMs / known, stands);
  // There are few first answers: one late one must not decide for all of them.
  else addSample(fleet.firsts, elapsedMs, Math.min(constants.firstLateMax, stands), FIRSTS_FADE_AT);
  fleet.patience.since += 1;
  const weight = Math.min(1, Math.max(constants.latencyAlpha, 1 / table.success[row]!));
  table.latency[row] = known > 0 ? known + weight * (elapsedMs - known) : Math.max(1e-3, elapsedMs);
  fleet.latencyMs += constants.fleetAlpha * (elapsedMs - fleet.latencyMs);
}

/** How much of the failure was the endpoint's, and how good it had been held to be. */
export interface Judged {
  readonly blame: number;
  readonly rate: number;
}

function failed(state: KernelState, row: Row, fact: Fact, judged: Judged, now: number, random: () => number): void {
  const { table, fleet, constants } = state;
  const { blame } = judged;
  if (fact.first && (table.flags[row]! & TRIED) === 0) observeNovelty(fleet, blame, now, constants);
  table.flags[row] = table.flags[row]! | TRIED;
  table.failure[row] = table.failure[row]! + blame;
  table.streak[row] = table.streak[row]! + runShare(fact, judged, constants);
  // It was cut short: how long a failure takes it does not say.
  if (fact.overtaken !== true) learnFailure(state, row, fact, now);
  // What is left of a connect fault's blame was load: the limit moves by so much and no more.
  if (fact.health === 'bad' && blame < 1) {
    setLimit(state, row, cutLimit(table.limit[row]!, table.inFlight[row]!, 1 - blame, constants));
    if (1 - blame > constants.refusalLoad) noteRefusal(table, row);
  }
  restAfterFailure(state, row, judged, now, random);
}

/** What the failure adds to the run: as much as it is improbable, in failures of an endpoint as good as this one was. */
function runShare(fact: Fact, { blame, rate }: Judged, c: EtsConstants): number {
  // Load excuses single refusals and no run of them: what is too full carries the next.
  if (fact.health === 'bad' && rate > c.sureRate) return 1;
  if (fact.overtaken !== true) return blame;
  const fails = 1 - Math.min(c.surpriseRateMax, rate);
  return Math.log(fails + (1 - fails) * (1 - c.hedgeQuantile)) / Math.log(fails);
}

/** The run of failures, and whether they hang or come quickly: that decides how long waiting pays. */
function learnFailure(state: KernelState, row: Row, fact: Fact, now: number): void {
  const { table, fleet, constants } = state;
  const { patience } = fleet;
  table.misses[row] = Math.min(255, table.misses[row]! + 1);
  table.failedAt[row] = now - table.epoch;
  fleet.failureMs += constants.fleetAlpha * (fact.elapsedMs - fleet.failureMs);
  if (fleet.ratios.total < constants.abandonSamples) return;
  const hung = fact.elapsedMs >= 0.99 * patienceOf(state, row);
  if (table.latency[row] === 0) {
    patience.untriedHangs += constants.fleetAlpha * (Number(hung) - patience.untriedHangs);
    if (!hung) patience.untriedQuickMs += constants.fleetAlpha * (fact.elapsedMs - patience.untriedQuickMs);
    return;
  }
  patience.hangs += constants.fleetAlpha * (Number(hung) - patience.hangs);
  if (!hung) patience.quick += constants.fleetAlpha * (fact.elapsedMs / table.latency[row]! - patience.quick);
}

function learnTarget(
  state: KernelState,
  row: Row,
  target: number,
  fact: Fact,
  blame: number,
  rate: number,
  now: number,
): void {
  const where = state.targets.states[target]!;
  switch (fact.answer) {
    case 'served':
      answers(state, target, where);
      forgive(state.pairs, state.table, row, where, state.constants);
      return relaxed(state, target, where, now);
    case 'throttled':
    case 'denied':
      answers(state, target, where);
      return refused(state, row, target, fact.answer, fact, now);
    case 'broken':
      return failing(state, row, target, fact, 1, rate, now);
    case 'none':
      if (fact.health === 'split') return failing(state, row, target, fact, 1 - blame, rate, now);
      // The probe never reached the target or was given up: it proved nothing, and another may go.
      if (wasProbe(where, row, now - fact.elapsedMs)) where.probeRow = -1;
      return;
    default:
      return fact.answer satisfies never;
  }
}

function answers(state: KernelState, target: number, where: TargetState): void {
  where.success += 1;
  if (!answered(where)) return;
  state.targets.open.delete(target);
  state.onEffect('breaker-closed', -1, target, 0);
}

function relaxed(state: KernelState, target: number, where: TargetState, now: number): void {
  if (where.intervalMs === 0) return;
  relaxInterval(where, now, state.constants);
  if (where.intervalMs === 0) state.onEffect('paced', -1, target, 0);
}

function failing(
  state: KernelState,
  row: Row,
  target: number,
  fact: Fact,
  share: number,
  rate: number,
  now: number,
): void {
  const { table, constants } = state;
  const where = state.targets.states[target]!;
  where.failure += share;
  if ((table.flags[row]! & PROVEN) !== 0) addToRun(where, row, rate);
  if (where.breaker === 'open') {
    if (wasProbe(where, row, now - fact.elapsedMs)) postponeProbe(where, now, constants);
    return;
  }
  if (!breakerDue(where, constants)) return;
  openBreaker(where, now, constants);
  state.targets.open.add(target);
  state.onEffect('breaker-opened', -1, target, where.probeAt);
}

function refused(state: KernelState, row: Row, target: number, refusal: Refusal, fact: Fact, now: number): void {
  const { pairs, table, fleet, constants } = state;
  const where = state.targets.states[target]!;
  const fresh = strike(pairs, table, row, where, now);
  state.courtesy.refusedAt = now;
  if (refusal === 'throttled') measureLimit(pairs, table, row, where, now, constants);
  const slower = (): boolean =>
    fact.grave === true
      ? keepClear(where, refusal, row, fleet.active, now, constants)
      : raiseInterval(where, refusal, fleet.active, now, constants);
  if (fresh && slower()) {
    // A longer interval has a longer burst: some pairs may be used sooner than they were told.
    where.closedUntil = 0;
    state.onEffect('paced', -1, target, where.intervalMs);
  }
  if (!fact.block) return;
  const until = block(pairs, table, row, where, refusal, fact.retryAfterMs, now, constants);
  state.onEffect('blocked', row, target, until);
}

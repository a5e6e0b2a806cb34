import type { EtsConstants } from './defaults.js';
import { fadeOver } from './estimate.js';
import type { Usage } from './usage.js';

/** One target's state. A plain object: there are far fewer targets in use than endpoints, and few numbers are read at once. */
export interface TargetState {
  key: string;
  /** Names the target in the pair table; never used again for another. */
  uid: number;
  /** Answers and failures, decayed since `touched`, and the attempts that started, since `startedAt`. */
  success: number;
  failure: number;
  touched: number;
  starts: number;
  startedAt: number;
  /** The first of them: until the counter has filled, it stands for less than its time constant. */
  seenAt: number;
  /** Least time between uses of one endpoint: learned, and as configured. */
  intervalMs: number;
  configuredMs: number;
  raisedAt: number;
  /** Which kind of refusal raised the interval last. */
  raisedBy: 'throttled' | 'denied';
  /** It stopped everybody, or may have: the pace keeps clear of the limit rather than follow it. */
  kept: boolean;
  /** When the interval was last brought up to the time. */
  relaxedAt: number;
  /** When attempts began again after none had started for a while. */
  resumedAt: number;
  /** What pairs were served between two refusals, the time between them, decayed since the instant. */
  letThrough: number;
  letThroughMs: number;
  letAt: number;
  breaker: 'closed' | 'open';
  probeAt: number;
  probeDelayMs: number;
  /** The row that carries the probe, or -1, and since when. */
  probeRow: number;
  probedAt: number;
  /** Log-chance of the run of proven endpoints that failed here since the last answer, and which ones they were. */
  surprise: number;
  readonly failedRows: number[];
  /** Entries of the pair table that name this target. */
  pairs: number;
  /** Until then nobody can serve it but rows that came free after `closedAt`; the soonest instant that opens another. */
  closedUntil: number;
  closedAt: number;
  opensAt: number;
  /** What its endpoints were used for it, while that is counted. */
  usage: Usage | undefined;
  /** The least interval that a refusal which stopped everybody leaves possible. */
  leastMs: number;
  /** Attempts out now: a target in use is not forgotten. */
  inFlight: number;
}

/** The targets, by index; the least recently used one is forgotten when there are too many. */
export interface Targets {
  readonly byKey: Map<string, number>;
  readonly states: TargetState[];
  readonly byUid: Map<number, TargetState>;
  readonly open: Set<number>;
  readonly max: number;
  nextUid: number;
}

export function createTargets(max: number): Targets {
  return { byKey: new Map(), states: [], byUid: new Map(), open: new Set(), max, nextUid: 1 };
}

/** The index of a target, made at first sight. Good until another target is interned, longer only while leases are out. */
export function internTarget(targets: Targets, key: string): number {
  const known = targets.byKey.get(key);
  if (known === undefined) return addTarget(targets, key);
  // Order is kept only where it can matter: moving a key to the end costs more than all of the rest.
  if (targets.byKey.size * 2 > targets.max) {
    targets.byKey.delete(key);
    targets.byKey.set(key, known);
  }
  return known;
}

/** Brings the target's counters up to `now`. */
export function decayTarget(state: TargetState, now: number, c: EtsConstants): void {
  const fade = fadeOver(now - state.touched, c.targetTauMs);
  state.success *= fade;
  state.failure *= fade;
  state.touched = now;
}

/** Counts an attempt that starts, for the target's rate. */
export function countStart(state: TargetState, now: number, c: EtsConstants): void {
  state.starts = state.starts * fadeOver(now - state.startedAt, c.targetTauMs) + 1;
  if (Number.isNaN(state.seenAt) || now - state.startedAt > PAUSE_MS) state.resumedAt = now;
  state.startedAt = now;
  if (Number.isNaN(state.seenAt)) state.seenAt = now;
}

/** The last start was none. */
export function countBack(state: TargetState): void {
  state.starts = Math.max(0, state.starts - 1);
}

/** Nothing started for so long: the target was paused, or nobody asked for it. */
const PAUSE_MS = 10_000;

/** Least time a rate is taken over: the first attempts come in one burst. */
const LEAST_SPAN_MS = 1_000;

/** Attempts per millisecond of late. */
export function startRate(state: TargetState, now: number, c: EtsConstants): number {
  const known = Math.max(LEAST_SPAN_MS, now - state.seenAt);
  const span = c.targetTauMs * (1 - fadeOver(known, c.targetTauMs));
  return (state.starts * fadeOver(now - state.startedAt, c.targetTauMs)) / span;
}

function addTarget(targets: Targets, key: string): number {
  const index = targets.byKey.size >= targets.max ? evict(targets) : targets.states.length;
  const state = freshState(key, targets.nextUid);
  targets.nextUid = (targets.nextUid % 0x7fffffff) + 1;
  targets.states[index] = state;
  targets.byKey.set(key, index);
  targets.byUid.set(state.uid, state);
  return index;
}

/** Forgets the least recently used target that no attempt is out for; grows past the limit when all are in use. */
function evict(targets: Targets): number {
  for (const [key, index] of targets.byKey) {
    const state = targets.states[index]!;
    if (state.inFlight > 0) continue;
    targets.byKey.delete(key);
    targets.byUid.delete(state.uid);
    targets.open.delete(index);
    return index;
  }
  return targets.states.length;
}

function freshState(key: string, uid: number): TargetState {
  return {
    key,
    uid,
    success: 0,
    failure: 0,
    touched: 0,
    starts: 0,
    startedAt: 0,
    seenAt: Number.NaN,
    intervalMs: 0,
    configuredMs: 0,
    raisedAt: Number.NEGATIVE_INFINITY,
    raisedBy: 'throttled',
    kept: false,
    relaxedAt: 0,
    resumedAt: 0,
    letThrough: 0,
    letThroughMs: 0,
    letAt: 0,
    breaker: 'closed',
    probeAt: Number.POSITIVE_INFINITY,
    probeDelayMs: 0,
    probeRow: -1,
    probedAt: 0,
    surprise: 0,
    failedRows: [],
    pairs: 0,
    closedUntil: 0,
    closedAt: 0,
    opensAt: 0,
    usage: undefined,
    leastMs: 0,
    inFlight: 0,
  };
}

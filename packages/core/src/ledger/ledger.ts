/**
 * The ledger decides who may: hard limits, taken in one synchronous step. It owns the leases in flight, the pace of pairs,
 * pins and suspensions. It knows rows and no endpoints; `forgetRow` tells it that a row changes hands.
 */
import { createLeases, giveBack, inFlightOf, MOST_LEASES, reserveLeases, take, type Leases } from './leases.js';
import { createPace, opensAt, spend, unspend, type Pace } from './pace.js';
import { readPaces, writePace, writePin, type PortablePin } from './portable.js';
import { createPins, dropPin, isLive, makePin, pinOf, usePin, type Pin, type Pins, type PinTerms } from './pins.js';
import { createSuspensions, resumeTarget, suspendedUntil, suspendTarget, type Suspensions } from './suspensions.js';

/** What an admission is asked. Made once and refilled. */
export interface AdmitRequest {
  /** Candidates, best first, and the most leases each may carry; `kernel.rank` fills both. */
  rows: Int32Array;
  limits: Int32Array;
  count: number;
  /** The kernel's index of the target, and the key it goes by. */
  target: number;
  targetKey: string;
  /** Least time between uses of one row on the target, and how far a use may come early. */
  emissionMs: number;
  burstMs: number;
  session: string | undefined;
  pin: PinTerms;
  now: number;
}

/** What came of an admission. One object, overwritten by the next. */
export interface AdmitResult {
  /** The granted row; the pinned one when the reason is `pinned-elsewhere`; else -1. */
  row: number;
  reason: 'ok' | 'suspended' | 'busy' | 'pinned-elsewhere';
  /** When asking again may help; Infinity when only a release can. */
  retryAt: number;
  pin: 'none' | 'new' | 'kept';
  generation: number;
}

export interface LedgerOptions {
  /** Endpoints to make room for at once. @default 16 */
  readonly capacity?: number;
  /** Slots for paced pairs. @default 2 ** 18 */
  readonly maxPairs?: number;
  /** Sessions remembered. @default 100_000 */
  readonly maxPins?: number;
  /** Targets suspended at once. @default 100_000 */
  readonly maxSuspensions?: number;
}

interface LedgerState {
  readonly leases: Leases;
  readonly pace: Pace;
  readonly pins: Pins;
  readonly suspensions: Suspensions;
  /** Changes when a row gets another endpoint: what was bound to the old one is void. */
  epochs: Uint8Array;
  readonly result: AdmitResult;
}

export type LocalLedger = ReturnType<typeof createLedger>;

export function createLedger(options: LedgerOptions = {}) {
  const state: LedgerState = {
    leases: createLeases(options.capacity ?? 16),
    pace: createPace(options.maxPairs ?? 2 ** 18),
    pins: createPins(options.maxPins ?? 100_000),
    suspensions: createSuspensions(options.maxSuspensions ?? 100_000),
    epochs: new Uint8Array(0),
    result: { row: -1, reason: 'busy', retryAt: 0, pin: 'none', generation: 0 },
  };
  return {
    /** Takes a place on the first candidate that the hard limits allow. */
    admit: (request: AdmitRequest): AdmitResult => admit(state, request),
    /** Gives the place back. */
    release: (row: number) => giveBack(state.leases, row),
    /** Takes a place without asking: another ledger has granted it. */
    take: (row: number) => take(state.leases, row),
    /** The attempt never reached the target: its use of the pair's pace is taken back. */
    unspend: (row: number, target: number, emissionMs: number) =>
      unspend(state.pace, keyOf(state, row), target, emissionMs),
    inFlight: (row: number) => inFlightOf(state.leases, row),
    /** All live leases. */
    total: () => state.leases.total,
    /** When the pair may be used under its pace: what the kernel takes as `pace`. */
    opensAt: (row: number, target: number, burst: number) => opensAt(state.pace, keyOf(state, row), target, burst),
    suspend: (target: string, until: number, why: string, now: number) =>
      suspendTarget(state.suspensions, target, until, why, now),
    resume: (target: string) => resumeTarget(state.suspensions, target),
    /** When the target's suspension ends; 0 when there is none. */
    suspendedUntil: (target: string, now: number) => suspendedUntil(state.suspensions, target, now),
    suspensions: state.suspensions.byTarget as ReadonlyMap<string, { readonly until: number; readonly why: string }>,
    pinOf: (session: string, now: number): Pin | undefined => livePin(state, session, now),
    /** Binds a session by hand, in place of any binding it had. */
    bind: (session: string, row: number, terms: PinTerms, now: number): Pin =>
      makePin(state.pins, session, row, epochOf(state, row), terms, now),
    unpin: (session: string, expectedGeneration?: number) => dropPin(state.pins, session, expectedGeneration),
    /** Binds a session as it was bound elsewhere or before. False when there is no room. */
    restorePin: (session: string, row: number, saved: PortablePin) =>
      writePin(state.pins, session, row, epochOf(state, row), saved),
    /** Uses that are ahead by more than `after`, each with its row. */
    paces: function* (after: number) {
      for (const { key, target, at } of readPaces(state.pace, after)) {
        const row = key & 0xffffff;
        if (keyOf(state, row) === key) yield { row, target, at };
      }
    },
    restorePace: (row: number, target: number, at: number, now: number) =>
      writePace(state.pace, keyOf(state, row), target, at, now),
    /** Sessions that keep an exit now. Forgets nothing. */
    livePins: (now: number) => countLive(state, now),
    sessions: state.pins.bySession as ReadonlyMap<string, Pin>,
    /** The row changes hands: its pins are void and its paces start anew. */
    forgetRow: (row: number) => forgetRow(state, row),
    reserve: (count: number) => reserveLeases(state.leases, count),
  };
}

function admit(state: LedgerState, request: AdmitRequest): AdmitResult {
  const { result } = state;
  const { now, session } = request;
  result.pin = 'none';
  result.generation = 0;
  const suspended = suspendedUntil(state.suspensions, request.targetKey, now);
  if (suspended > 0) return refused(result, 'suspended', suspended);
  if (session === undefined) return takeFirst(state, request, 0, request.count);
  const pin = livePin(state, session, now);
  if (pin === undefined) {
    if (takeFirst(state, request, 0, request.count).row >= 0) {
      result.pin = 'new';
      result.generation = makePin(
        state.pins,
        session,
        result.row,
        epochOf(state, result.row),
        request.pin,
        now,
      ).generation;
    }
    return result;
  }
  const index = request.rows.subarray(0, request.count).indexOf(pin.row);
  if (index < 0) {
    refused(result, 'pinned-elsewhere', now);
    result.row = pin.row;
  } else if (takeFirst(state, request, index, index + 1).row >= 0) {
    usePin(state.pins, session, pin, request.pin, now);
    result.pin = 'kept';
  }
  result.generation = pin.generation;
  return result;
}

function takeFirst(state: LedgerState, request: AdmitRequest, from: number, to: number): AdmitResult {
  const { leases, result, pace } = state;
  const { rows, limits, target, emissionMs, burstMs, now } = request;
  let retryAt = Number.POSITIVE_INFINITY;
  for (let index = from; index < to; index += 1) {
    const row = rows[index]!;
    if (inFlightOf(leases, row) >= Math.min(limits[index]!, MOST_LEASES)) continue;
    if (emissionMs > 0) {
      const key = keyOf(state, row);
      const opens = opensAt(pace, key, target, burstMs);
      retryAt = Math.min(retryAt, Math.max(opens, now));
      if (opens > now) continue;
      spend(pace, key, target, emissionMs, now);
    }
    take(leases, row);
    result.row = row;
    result.reason = 'ok';
    result.retryAt = now;
    return result;
  }
  return refused(result, 'busy', retryAt);
}

function refused(result: AdmitResult, reason: AdmitResult['reason'], retryAt: number): AdmitResult {
  result.row = -1;
  result.reason = reason;
  result.retryAt = retryAt;
  return result;
}

function livePin(state: LedgerState, session: string, now: number): Pin | undefined {
  const pin = pinOf(state.pins, session, now);
  if (pin === undefined || pin.epoch === epochOf(state, pin.row)) return pin;
  dropPin(state.pins, session);
  return undefined;
}

function countLive(state: LedgerState, now: number): number {
  let count = 0;
  for (const pin of state.pins.bySession.values()) {
    if (isLive(pin, now) && pin.epoch === epochOf(state, pin.row)) count += 1;
  }
  return count;
}

function forgetRow(state: LedgerState, row: number): void {
  if (row >= state.epochs.length) {
    const larger = new Uint8Array(Math.max(64, Math.ceil((row + 1) * 1.25)));
    larger.set(state.epochs);
    state.epochs = larger;
  }
  state.epochs[row] = (state.epochs[row]! + 1) & 255;
}

function epochOf(state: LedgerState, row: number): number {
  return state.epochs[row] ?? 0;
}

/** The row with its epoch, as one key. */
function keyOf(state: LedgerState, row: number): number {
  return (epochOf(state, row) << 24) | row;
}

import type { EtsConstants } from './defaults.js';
import type { Row } from './table.js';

/** Rows told apart; those that share a place take it from one another. */
export const PLACES = 1024;

/** Which endpoints a target has been asked through of late, and how often each since its count began. */
export interface Usage {
  /** Whether these are all the uses there are: where other workers ask the target too, they tell its limit together. */
  readonly whole: boolean;
  readonly rows: Int32Array;
  /** The target's uses in all when the row was used last. */
  readonly turns: Uint32Array;
  readonly uses: Uint32Array;
  readonly since: Float64Array;
  readonly usedAt: Float64Array;
  turn: number;
}

/** The time for each use that a target's limit comes to, by what it let one endpoint through; 0 where that tells nothing. */
export interface Counted {
  readonly ms: number;
  /** The least it can be. */
  readonly leastMs: number;
}

export function createUsage(whole: boolean): Usage {
  return {
    whole,
    rows: new Int32Array(PLACES).fill(-1),
    turns: new Uint32Array(PLACES),
    uses: new Uint32Array(PLACES),
    since: new Float64Array(PLACES),
    usedAt: new Float64Array(PLACES),
    turn: 0,
  };
}

export function clearUsage(usage: Usage): void {
  usage.rows.fill(-1);
  usage.turn = 0;
}

/** The target is asked through the row once more. What was idle for `fullMs` has all in store again: its count begins anew. */
export function noteUse(usage: Usage, row: Row, now: number, resumedAt: number, fullMs: number): void {
  const place = row % PLACES;
  usage.turn += 1;
  if (usage.rows[place] !== row || usage.since[place]! < resumedAt || now - usage.usedAt[place]! > fullMs) {
    usage.rows[place] = row;
    usage.uses[place] = 0;
    usage.since[place] = now;
  }
  usage.usedAt[place] = now;
  usage.turns[place] = usage.turn;
  usage.uses[place] = usage.uses[place]! + 1;
}

/** Takes back a use that the target never saw. */
export function takeBackUse(usage: Usage, row: Row): void {
  const place = row % PLACES;
  if (usage.rows[place] === row && usage.uses[place]! > 0) usage.uses[place] = usage.uses[place]! - 1;
}

/** The row is about to be another endpoint's. */
export function forgetUsesOf(usage: Usage, row: Row): void {
  if (usage.rows[row % PLACES] === row) usage.rows[row % PLACES] = -1;
}

/** Whether the target's last `last` uses had one of the row. */
export function isRecent(usage: Usage, row: Row, last: number): boolean {
  const place = row % PLACES;
  // The turns are kept as far as 32 bits go.
  return usage.rows[place] === row && (usage.turn - usage.turns[place]!) >>> 0 < last;
}

const counted = { ms: 0, leastMs: 0 };

/** What the refusal of one use tells of the limit; the row's count begins anew. The answer is good until the next. */
export function countedAt(usage: Usage, row: Row, now: number, intervalMs: number, c: EtsConstants): Counted {
  const place = row % PLACES;
  const served = usage.rows[place] === row ? usage.uses[place]! - 1 : 0;
  counted.ms = 0;
  counted.leastMs = 0;
  if (served < c.graveBurst || !usage.whole) return counted;
  // What was in store is no part of the limit, and the refused use came half of one too early.
  const spent = served - c.graveBurst + 0.5;
  const spanMs = Math.max(0, now - usage.since[place]! - intervalMs / 2);
  usage.rows[place] = -1;
  counted.ms = spanMs / spent;
  counted.leastMs = spanMs / (spent + 0.5);
  return counted;
}

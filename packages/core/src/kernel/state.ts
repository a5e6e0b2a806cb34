import { bucketOf, BUCKETS } from './cost-buckets.js';
import { createCourtesy, type Courtesy } from './courtesy.js';
import type { CooldownRule } from './cooldown.js';
import type { EtsConstants } from './defaults.js';
import { createDueQueue, dequeue, enqueue, type DueQueue } from './due-queue.js';
import type { OnEffect } from './effects.js';
import { costOf } from './estimate.js';
import { createFleet, type Fleet } from './fleet.js';
import type { PairTable } from './pair-table.js';
import { createPairs } from './pairs.js';
import { moveTo, removeFromSet } from './row-sets.js';
import { createTable, Standing, type Row, type Table } from './table.js';
import { createTargets, type Targets } from './targets.js';

/** Sets beyond the cost buckets: active rows without room, and rows on trial that carry nothing. */
export const FULL = BUCKETS;
export const IDLE_TRIAL = BUCKETS + 1;

/** Rows that came free of late and are remembered: more at once, and whoever asks looks at all rows again. */
export const FREED = 64;

/** When the pair may be used again under its pace; at most `now` when it may at once. The ledger knows. */
export type PaceView = (row: Row, target: number, burstMs: number) => number;

/** All the kernel knows. */
export interface KernelState {
  readonly constants: EtsConstants;
  cooldown: CooldownRule;
  readonly table: Table;
  readonly due: DueQueue;
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly pairs: PairTable;
  readonly courtesy: Courtesy;
  readonly pace: PaceView;
  /** Whether all that the targets are asked is asked here. */
  readonly alone: boolean;
  readonly onEffect: OnEffect;
  /** The soonest instant at which a row the last ranking passed over opens. */
  opensAt: number;
  /** The row whose place was looked after last. */
  tended: number;
  /** The last rows that came to be chosen from, in a ring, and how many there ever were. */
  readonly freed: Int32Array;
  freedCount: number;
}

export interface StateOptions {
  readonly constants: EtsConstants;
  readonly cooldown: CooldownRule;
  readonly capacity: number;
  readonly maxTargets: number;
  readonly maxPairs: number;
  readonly pace: PaceView;
  readonly alone: boolean;
  readonly onEffect: OnEffect;
}

export function createState(options: StateOptions): KernelState {
  const { constants, cooldown, pace, alone, onEffect, capacity } = options;
  const targets = createTargets(options.maxTargets);
  return {
    constants,
    cooldown,
    table: createTable(BUCKETS + 2, capacity),
    due: createDueQueue(0),
    fleet: createFleet(constants),
    targets,
    pairs: createPairs(targets, options.maxPairs),
    courtesy: createCourtesy(),
    pace,
    alone,
    onEffect,
    opensAt: Number.POSITIVE_INFINITY,
    tended: 0,
    freed: new Int32Array(FREED),
    freedCount: 0,
  };
}

/** Most attempts the row may carry now, by what was learned and what was configured. */
export function roomLimit(table: Table, row: Row): number {
  if (table.standing[row] === Standing.trial) return 1;
  return Math.min(Math.floor(table.limit[row]!), table.maxInFlight[row]!);
}

/** Puts the row into the set that its standing, room and cost call for. */
export function place(state: KernelState, row: Row, now: number): void {
  const { table, fleet, constants } = state;
  const standing = table.standing[row];
  if (standing === Standing.active) {
    const full = table.inFlight[row]! >= roomLimit(table, row);
    moveTo(table.sets, row, full ? FULL : bucketOf(costOf(table, fleet, row, now, constants)));
  } else if (standing === Standing.trial && table.inFlight[row] === 0) {
    moveTo(table.sets, row, IDLE_TRIAL);
  } else {
    removeFromSet(table.sets, row);
  }
}

/** The row may serve where it could not before: an attempt through it ended, it stands otherwise, or is another. */
export function noteFreed(state: KernelState, row: Row): void {
  state.freed[state.freedCount % FREED] = row;
  state.freedCount += 1;
}

/** Changes the row's standing and all that is counted or queued by it; `place` follows. */
export function setStanding(state: KernelState, row: Row, standing: number, now: number): void {
  const { table, fleet, due } = state;
  const before = table.standing[row]!;
  if (before === Standing.active) {
    fleet.active -= 1;
    fleet.limits -= table.limit[row]!;
  }
  if (before === Standing.cooling) dequeue(due, dueColumns(table), row);
  countPresent(state, row, Number(isPresent(standing)) - Number(isPresent(before)));
  table.standing[row] = standing;
  if (standing === Standing.active) {
    fleet.active += 1;
    fleet.limits += table.limit[row]!;
  }
  place(state, row, now);
  if (standing === Standing.active || standing === Standing.trial) noteFreed(state, row);
  if (standing === Standing.cooling) enqueue(due, dueColumns(table), row);
}

/** Sets a limit and keeps the fleet's sum of them. */
export function setLimit({ table, fleet }: KernelState, row: Row, limit: number): void {
  const before = table.limit[row]!;
  table.limit[row] = limit;
  if (table.standing[row] === Standing.active) fleet.limits += table.limit[row]! - before;
}

/** Counts endpoints that come to be chosen from, or leave: in all and in their tier. */
export function countPresent({ table, fleet }: KernelState, row: Row, change: number): void {
  const tier = table.tier[row]!;
  fleet.present += change;
  fleet.byTier[tier] = fleet.byTier[tier]! + change;
}

function isPresent(standing: number): boolean {
  return standing === Standing.trial || standing === Standing.active || standing === Standing.cooling;
}

const columns = { coolUntil: new Float32Array(0), position: new Int32Array(0) };

/** The columns that order the due queue, in one reused object: they are replaced as the table grows. */
function dueColumns(table: Table): typeof columns {
  columns.coolUntil = table.coolUntil as typeof columns.coolUntil;
  columns.position = table.sets.position as typeof columns.position;
  return columns;
}

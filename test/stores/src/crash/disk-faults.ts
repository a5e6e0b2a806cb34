import type { Random } from '@fairlead/core';
import { manualClock } from '@fairlead/core/testing';
import { LastWrites, recordOf } from './ledger-of-writes.js';
import { MemoryDisk } from './memory-disk.js';
import { openStore } from './reading.js';

export interface FaultReport {
  readonly faults: number;
  readonly acknowledgedLost: number;
  readonly corruptAccepted: number;
  /** Runs after whose fault the store did not come back to writing. */
  readonly neverBack: number;
}

const DIR = '/state';
const CODES = ['ENOSPC', 'EIO', 'EROFS'] as const;

/** Makes each operation of a run fail in turn, once and for a while: what was acknowledged must be there afterwards. */
export async function diskFaults(): Promise<FaultReport> {
  const healthy = await lifeOn(new MemoryDisk());
  let faults = 0;
  let acknowledgedLost = 0;
  let corruptAccepted = 0;
  let neverBack = 0;
  for (const code of CODES) {
    for (const length of [1, 7]) {
      for (let from = 1; from <= healthy.operations; from += 1) {
        const disk = new MemoryDisk();
        disk.failing = (operation) => (operation >= from && operation < from + length ? code : undefined);
        const { acknowledged, back, key } = await lifeOn(disk);
        disk.failing = () => undefined;
        const found = await foundOn(disk);
        faults += 1;
        acknowledgedLost += acknowledged.lost(found.writes);
        // Under another key nothing that was acknowledged is found again.
        if (acknowledged.size > 0 && found.key !== key) acknowledgedLost += 1;
        corruptAccepted += found.corrupt;
        if (!back) neverBack += 1;
      }
    }
  }
  return { faults, acknowledgedLost, corruptAccepted, neverBack };
}

/** Cuts the power at a random operation of a run. */
export async function powerLosses(count: number, random: Random): Promise<Omit<FaultReport, 'neverBack'>> {
  const { operations } = await lifeOn(new MemoryDisk());
  let acknowledgedLost = 0;
  let corruptAccepted = 0;
  for (let loss = 0; loss < count; loss += 1) {
    const disk = new MemoryDisk();
    const at = 1 + Math.floor(random() * operations);
    let found: MemoryDisk | undefined;
    let before: LastWrites | undefined;
    const acknowledged = new LastWrites();
    disk.failing = (operation) => {
      if (operation !== at) return undefined;
      found = disk.afterPowerLoss(random);
      before = acknowledged.copy();
      return undefined;
    };
    await lifeOn(disk, acknowledged);
    if (found === undefined || before === undefined) continue;
    const back = await foundOn(found);
    acknowledgedLost += before.lost(back.writes);
    corruptAccepted += back.corrupt;
  }
  return { faults: count, acknowledgedLost, corruptAccepted };
}

async function lifeOn(disk: MemoryDisk, acknowledged = new LastWrites()) {
  const clock = manualClock();
  const { records, writes, key } = await openStore({ dir: DIR, files: disk, rotateBytes: 900 }, clock);
  let back = false;
  // Past the forty a fault near the end gets the time that the longest back-off takes.
  for (let number = 0; number < 40 || (!back && number < 80); number += 1) {
    writes.note(number);
    back = await records.push([recordOf(number)]);
    if (back) acknowledged.note(number);
    // Longer than any back-off before it.
    clock.advance(5_000);
  }
  // Killed, not closed.
  return { acknowledged, back, key, operations: disk.operations };
}

async function foundOn(disk: MemoryDisk) {
  // A copy: the writer was killed, and whatever it was still at goes no further.
  const files = disk.copy();
  files.names.delete(`${DIR}/lock`);
  return openStore({ dir: DIR, files });
}

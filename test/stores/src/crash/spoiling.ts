import type { Random } from '@fairlead/core';
import { recordOf } from './ledger-of-writes.js';
import { MemoryDisk } from './memory-disk.js';
import { openStore } from './reading.js';

export interface SpoilReport {
  readonly corruptions: number;
  readonly corruptAccepted: number;
  /** Records before the place that was cut which did not come back. */
  readonly lostBeforeTheCut: number;
}

const DIR = '/state';

/** Cuts the newest files at every byte and flips bits everywhere; nothing that was not written may come back. */
export async function spoilFiles(flips: number, random: Random): Promise<SpoilReport> {
  const disk = await writtenDisk();
  const paths = [...disk.names.keys()].filter((path) => path.endsWith('.ndjson'));
  let corruptions = 0;
  let corruptAccepted = 0;
  let lostBeforeTheCut = 0;
  for (const path of paths) {
    const { data } = disk.names.get(path)!;
    for (let length = 0; length < data.length; length += 1) {
      const cut = disk.copy();
      cut.names.set(path, { data: data.subarray(0, length), durable: length });
      const { corrupt, count } = await openStore({ dir: DIR, files: cut });
      corruptions += 1;
      corruptAccepted += corrupt;
      // Every line of this file that was left whole has to be among them.
      const whole = data.subarray(0, length).toString('latin1').split('\n').length - 1;
      if (count < Math.min(whole, countOf(path))) lostBeforeTheCut += 1;
    }
  }
  for (let flip = 0; flip < flips; flip += 1) {
    const spoilt = disk.copy();
    const { data } = spoilt.names.get(paths[Math.floor(random() * paths.length)]!)!;
    const byte = Math.floor(random() * data.length);
    data[byte] = data[byte]! ^ (1 << Math.floor(random() * 8));
    corruptions += 1;
    corruptAccepted += (await openStore({ dir: DIR, files: spoilt })).corrupt;
  }
  return { corruptions, corruptAccepted, lostBeforeTheCut };
}

/** A journal's lines are records; of a snapshot the last one is its end. */
function countOf(path: string): number {
  return path.includes('snapshot') ? 0 : Number.POSITIVE_INFINITY;
}

async function writtenDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { records, writes } = await openStore({ dir: DIR, files: disk, rotateBytes: 1_500 });
  for (let number = 0; number < 60; number += 1) {
    writes.note(number);
    await records.push([recordOf(number)]);
  }
  // The writer is killed here: its lock stays.
  disk.names.delete(`${DIR}/lock`);
  return disk;
}

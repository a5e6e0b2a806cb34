import { systemRandom, type Clock, type Records, type StoreReport } from '@fairlead/core';
import { manualClock } from '@fairlead/core/testing';
import { fileStore, type FileStoreOptions } from '@fairlead/core/file';
import { LastWrites, numberOf } from './ledger-of-writes.js';

/** A store that is open, and what it held. */
export interface OpenStore {
  readonly records: Records;
  /** What names of endpoints are hashed with. */
  readonly key: string;
  /** The last write of each thing: what was found, and what the caller notes. Snapshots are made of it. */
  readonly writes: LastWrites;
  /** Records found that nobody ever wrote. */
  readonly corrupt: number;
  readonly count: number;
  readonly reports: readonly StoreReport[];
}

export async function openStore(options: FileStoreOptions, clock: Clock = manualClock()): Promise<OpenStore> {
  const records = fileStore(options).records!;
  const reports: StoreReport[] = [];
  const writes = new LastWrites();
  const { key, saved } = await records.open({
    clock,
    random: systemRandom,
    image: () => writes.image(),
    report: (report) => void reports.push(report),
    receive: () => undefined,
  });
  let corrupt = 0;
  let count = 0;
  for await (const portion of saved) {
    for (const record of portion) {
      const number = numberOf(record);
      count += 1;
      if (number === undefined) corrupt += 1;
      else writes.found(number);
    }
  }
  return { records, key, writes, corrupt, count, reports };
}

// Writes records as fast as the store takes them, and says on its output which were acknowledged, until it is killed.
import { writeSync } from 'node:fs';
import { systemClock, type SoftRecord } from '@fairlead/core';
import { recordOf } from './ledger-of-writes.js';
import { openStore } from './reading.js';

const [dir = '', first = '0'] = process.argv.slice(3);

try {
  // Small, so that every life of a writer is killed in the middle of several snapshots.
  const { records, writes } = await openStore({ dir, rotateBytes: 6_000, rotateMs: 60_000 }, systemClock);
  writeSync(1, 'open\n');
  for (let number = Number(first); ;) {
    const batch: SoftRecord[] = [];
    const until = number + 1 + (number % 5);
    for (; number < until; number += 1) {
      // Before it is written: a snapshot may hold it sooner than the journal.
      writes.note(number);
      batch.push(recordOf(number));
    }
    if (await records.push(batch)) writeSync(1, `${number - 1}\n`);
  }
} catch (error) {
  const { code } = error as { code?: unknown };
  writeSync(1, `refused ${String(code)}\n`);
}

import { createPool, type Clock } from '@fairlead/core';
import { fileStore } from '@fairlead/core/file';
import { manualClock } from '@fairlead/core/testing';
import { MemoryDisk } from './memory-disk.js';

const HOUR = 3_600_000;
const LENGTH = 60_000;
const proxies = ['http://a:1', 'http://b:1'];

/** Restarts with a wall clock that is hours and days off: suspensions that then last longer than they were meant to. */
export async function clockCases(): Promise<{ readonly cases: number; readonly tooLong: number }> {
  const offsets = [-48, -24, -1, 0, 1, 24, 48].map((hours) => hours * HOUR);
  let tooLong = 0;
  for (const offset of offsets) {
    const disk = new MemoryDisk();
    const first = createPool({ proxies, clock: shifted(0), store: fileStore({ dir: '/state', files: disk }) });
    await first.ready();
    first.suspend('shop.example', LENGTH);
    await first.close();
    const clock = shifted(offset);
    const second = createPool({ proxies, clock, store: fileStore({ dir: '/state', files: disk }) });
    await second.ready();
    clock.advance(LENGTH + 1);
    const lease = second.tryAcquire({ target: 'shop.example' });
    if (lease === undefined) tooLong += 1;
    lease?.settle({ kind: 'response', status: 200, latencyMs: 1 });
    await second.close();
  }
  return { cases: offsets.length, tooLong };
}

function shifted(offset: number): Clock & { advance(ms: number): void } {
  const clock = manualClock();
  return { ...clock, wallNow: () => clock.wallNow() + offset };
}

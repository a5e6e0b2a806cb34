import { createPool, type Lease } from '@fairlead/core';
import { manualClock } from '@fairlead/core/testing';
import { seeded, SLOTS, STEP_MS, TARGETS, type Subject } from './subject.js';

/** The public way: `tryAcquire` and `settle` of a pool whose endpoints have all been tried. */
export function tryAcquireSubject(endpoints: number): Subject {
  const clock = manualClock();
  const random = seeded(7);
  const proxies = Array.from(
    { length: endpoints },
    (_, index) => `http://10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8000`,
  );
  const pool = createPool({ proxies, clock, random, policy: 'rotate' });
  const requests = Array.from({ length: TARGETS }, (_, index) => ({ target: `https://target-${index}.example/page` }));
  const open: (Lease | undefined)[] = Array.from({ length: SLOTS });
  let next = 0;
  return {
    name: 'tryAcquire',
    pair() {
      clock.advance(STEP_MS);
      const slot = next;
      next = slot + 1 === SLOTS ? 0 : slot + 1;
      open[slot]?.settle({ kind: 'response', status: 200, latencyMs: 60 + 2_000 * random() });
      open[slot] = pool.tryAcquire(requests[Math.floor(random() * TARGETS)]!);
    },
  };
}

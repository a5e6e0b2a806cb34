import { expect, test } from 'vitest';
import { createLedger } from '../ledger/ledger.js';
import type { Fact } from './fact.js';
import { createKernel } from './kernel.js';
import { createCandidates, createQuery } from './query.js';
import { Standing } from './table.js';

const served: Fact = { health: 'good', answer: 'served', block: false, connect: false, elapsedMs: 300, first: true };
const dead: Fact = { health: 'bad', answer: 'none', block: false, connect: true, elapsedMs: 900, first: true };
const spec = { weight: 1, tier: 0, maxInFlight: Number.POSITIVE_INFINITY, tags: 0 };

/** A seeded generator (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A closed loop over a fleet in which every third endpoint is dead; checks the invariants at each grant. */
function liveFor(steps: number, seed: number, endpoints = 40) {
  const random = seeded(seed);
  const ledger = createLedger();
  const kernel = createKernel({ pace: ledger.opensAt });
  const { table } = kernel.state;
  for (let index = 0; index < endpoints; index += 1) kernel.addRow(spec, 0);
  const query = createQuery(random);
  const candidates = createCandidates();
  const pin = { ttlMs: 1, maxMs: 1, maxUses: 1 };
  const open: { row: number; target: number }[] = [];
  const wrong: number[] = [];
  const served200 = new Map<boolean, number>();
  let now = 0;
  for (let step = 0; step < steps; step += 1) {
    now += 20 * random();
    const key = `t${Math.floor(random() * 3)}`;
    query.target = kernel.internTarget(key);
    query.demand = 20;
    query.now = now;
    if (open.length < 20 && kernel.rank(query, candidates) > 0) {
      const admitted = ledger.admit({
        ...candidates,
        target: query.target,
        targetKey: key,
        emissionMs: kernel.emissionMs(query.target),
        burstMs: kernel.burstMs(query.target),
        session: undefined,
        pin,
        now,
      });
      if (admitted.row >= 0) {
        const standing = table.standing[admitted.row];
        const alone = standing === Standing.trial && table.inFlight[admitted.row] === 0;
        if (standing !== Standing.active && !alone) wrong.push(step);
        kernel.onAdmit(admitted.row, query.target, now);
        open.push({ row: admitted.row, target: query.target });
      }
    }
    if (open.length > 0 && random() < 0.6) {
      const [lease] = open.splice(Math.floor(random() * open.length), 1);
      const good = lease!.row % 3 !== 0;
      served200.set(good, (served200.get(good) ?? 0) + 1);
      ledger.release(lease!.row);
      kernel.onSettle(lease!.row, lease!.target, good ? served : dead, now, random);
    }
    if (ledger.total() !== open.length) wrong.push(step);
  }
  return { kernel, ledger, served: served200, wrong };
}

for (let seed = 1; seed <= 40; seed += 1) {
  test(`a cooling endpoint is never leased and a trial carries one lease, seed ${seed}`, () => {
    const { served: counts, wrong } = liveFor(2000, seed);
    expect(wrong).toEqual([]);
    expect(counts.get(true)!).toBeGreaterThan(10 * counts.get(false)!);
  });
}

import { createCandidates, createKernel, createQuery, type Fact, type Kernel } from '@fairlead/core/kernel';
import { createLedger, type AdmitRequest, type LocalLedger } from '@fairlead/core/ledger';
import { seeded, SLOTS, STEP_MS, TARGETS, type Subject } from './subject.js';

const SPEC = { weight: 1, tier: 0, maxInFlight: 64, tags: 0 };

/** A fleet with ledger and kernel as the pool would hold them, of which every endpoint has been tried. */
export interface BenchFleet {
  readonly kernel: Kernel;
  readonly ledger: LocalLedger;
  readonly endpoints: number;
  now: number;
}

/** Endpoints of 60 ms to 6 s that succeed 50 to 99 times in a hundred; one in ten is dead and cooling. */
export function benchFleet(endpoints: number): BenchFleet {
  const random = seeded(endpoints);
  const ledger = createLedger({ capacity: endpoints });
  const kernel = createKernel({ capacity: endpoints, pace: ledger.opensAt });
  const target = kernel.internTarget('warm-up.example');
  for (let index = 0; index < endpoints; index += 1) {
    const row = kernel.addRow(SPEC, 0);
    kernel.onAdmit(row, target, 0);
    kernel.onSettle(row, target, index % 10 === 9 ? FAILED : served(latencyOf(index)), 0, random);
  }
  return { kernel, ledger, endpoints, now: 0 };
}

/** Rank, count in, settle: what the kernel alone costs. */
export function kernelSubject(fleet: BenchFleet): Subject {
  return loop('kernel', fleet, false);
}

/** The same with the hard limits taken and given back. */
export function kernelLedgerSubject(fleet: BenchFleet): Subject {
  return loop('kernelLedger', fleet, true);
}

function loop(name: string, fleet: BenchFleet, withLedger: boolean): Subject {
  const { kernel, ledger } = fleet;
  const random = seeded(7);
  const query = createQuery(random);
  const candidates = createCandidates();
  const request = admitRequest(candidates);
  const keys = Array.from({ length: TARGETS }, (_, index) => `target-${index}.example`);
  const open = { rows: new Int32Array(SLOTS).fill(-1), targets: new Int32Array(SLOTS), next: 0 };
  query.demand = SLOTS;
  return {
    name,
    pair() {
      fleet.now += STEP_MS;
      const slot = open.next;
      open.next = slot + 1 === SLOTS ? 0 : slot + 1;
      settle(slot);
      const key = keys[Math.floor(random() * TARGETS)]!;
      query.target = kernel.internTarget(key);
      query.now = fleet.now;
      kernel.rank(query, candidates);
      open.rows[slot] = withLedger ? admit(key) : candidates.count > 0 ? candidates.rows[0]! : -1;
      open.targets[slot] = query.target;
      if (open.rows[slot]! >= 0) kernel.onAdmit(open.rows[slot]!, query.target, fleet.now);
    },
  };

  function admit(key: string): number {
    request.count = candidates.count;
    request.target = query.target;
    request.targetKey = key;
    request.emissionMs = kernel.emissionMs(query.target);
    request.burstMs = kernel.burstMs(query.target);
    request.now = fleet.now;
    return ledger.admit(request).row;
  }

  function settle(slot: number): void {
    const row = open.rows[slot]!;
    if (row < 0) return;
    if (withLedger) ledger.release(row);
    const good = row % 10 !== 9 && random() < rateOf(row);
    kernel.onSettle(row, open.targets[slot]!, good ? FACTS[row & 1023]! : FAILED, fleet.now, random);
  }
}

function admitRequest(candidates: { rows: Int32Array; limits: Int32Array }): AdmitRequest {
  const { rows, limits } = candidates;
  const pin = { ttlMs: 0, maxMs: 0, maxUses: 0 };
  return {
    rows,
    limits,
    count: 0,
    target: 0,
    targetKey: '',
    emissionMs: 0,
    burstMs: 0,
    session: undefined,
    pin,
    now: 0,
  };
}

function latencyOf(index: number): number {
  return 60 * 100 ** ((index % 1009) / 1009);
}

function rateOf(index: number): number {
  return 0.5 + 0.49 * ((index % 97) / 97);
}

function served(elapsedMs: number): Fact {
  return { health: 'good', answer: 'served', block: false, connect: false, elapsedMs, first: true };
}

const FAILED: Fact = { health: 'bad', answer: 'none', block: false, connect: true, elapsedMs: 900, first: true };

/** Facts made beforehand: a pool makes one per attempt, which is the pool's cost and not the kernel's. */
const FACTS = Array.from({ length: 1024 }, (_, index) => served(latencyOf(index)));

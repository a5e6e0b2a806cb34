import type { Row } from '../kernel/table.js';

/** Live leases per row. */
export interface LeaseCounts {
  byRow: Uint32Array;
  total: number;
}

export function createLeaseCounts(): LeaseCounts {
  return { byRow: new Uint32Array(64), total: 0 };
}

export function inFlightOf(leases: LeaseCounts, row: Row): number {
  return leases.byRow[row] ?? 0;
}

export function take(leases: LeaseCounts, row: Row): void {
  if (row >= leases.byRow.length) {
    const larger = new Uint32Array(Math.max(row + 1, leases.byRow.length * 2));
    larger.set(leases.byRow);
    leases.byRow = larger;
  }
  leases.byRow[row] = leases.byRow[row]! + 1;
  leases.total += 1;
}

export function giveBack(leases: LeaseCounts, row: Row): void {
  const held = inFlightOf(leases, row);
  // A release without a lease is a bug of ours: going on would let the count drift for good.
  if (held === 0) throw new RangeError(`row ${row} holds no lease`);
  leases.byRow[row] = held - 1;
  leases.total -= 1;
}

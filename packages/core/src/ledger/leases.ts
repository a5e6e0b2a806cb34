/** Live leases per row. */
export interface Leases {
  byRow: Uint16Array;
  total: number;
}

/** Sixteen bits count to here; no endpoint carries more. */
export const MOST_LEASES = 65_535;

export function createLeases(capacity: number): Leases {
  return { byRow: new Uint16Array(Math.max(1, capacity)), total: 0 };
}

export function inFlightOf(leases: Leases, row: number): number {
  return leases.byRow[row] ?? 0;
}

export function take(leases: Leases, row: number): void {
  if (row >= leases.byRow.length) reserveLeases(leases, Math.max(64, Math.ceil((row + 1) * 1.25)));
  leases.byRow[row] = leases.byRow[row]! + 1;
  leases.total += 1;
}

export function giveBack(leases: Leases, row: number): void {
  const held = inFlightOf(leases, row);
  // A release without a lease is a bug of ours: going on would let the count drift for good.
  if (held === 0) throw new RangeError(`row ${row} holds no lease`);
  leases.byRow[row] = held - 1;
  leases.total -= 1;
}

export function reserveLeases(leases: Leases, capacity: number): void {
  if (capacity <= leases.byRow.length) return;
  const larger = new Uint16Array(capacity);
  larger.set(leases.byRow);
  leases.byRow = larger;
}

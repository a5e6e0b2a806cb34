import type { Row } from '../kernel/table.js';
import { inFlightOf, take, type LeaseCounts } from './leases.js';

/** Takes a place on the first of `count` candidate rows that is under its limit; -1 when none is. */
export function admit(leases: LeaseCounts, rows: Int32Array, count: number, limits: Float64Array): Row {
  for (let index = 0; index < count; index += 1) {
    const row = rows[index]!;
    if (inFlightOf(leases, row) >= limits[row]!) continue;
    take(leases, row);
    return row;
  }
  return -1;
}

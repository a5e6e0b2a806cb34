import type { Row } from '../kernel/table.js';

/** One number a row that a strategy keeps for itself; rows it never heard of have the initial one. */
export interface RowColumn {
  get(row: Row): number;
  set(row: Row, value: number): void;
}

export function rowColumn(initial: number): RowColumn {
  let values = new Float64Array(0);
  return {
    get: (row) => values[row] ?? initial,
    set(row, value) {
      if (row >= values.length) {
        const larger = new Float64Array(Math.max(64, Math.ceil((row + 1) * 1.25))).fill(initial);
        larger.set(values);
        values = larger;
      }
      values[row] = value;
    },
  };
}

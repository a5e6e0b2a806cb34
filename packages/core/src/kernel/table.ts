/** The index of an endpoint in the table; reused after its endpoint has left. */
export type Row = number;

/** What the kernel needs to know of an endpoint: numbers only. */
export interface RowSpec {
  readonly weight: number;
  readonly tier: number;
}

/** Struct of arrays: one number per endpoint and column, so that a scan touches memory in order. */
export interface Table {
  /** Rows ever in use; a row below it may be empty. */
  size: number;
  /** 1 while an endpoint lives in the row and may be chosen. */
  present: Uint8Array;
  weight: Float64Array;
  tier: Uint8Array;
  readonly vacant: Row[];
}

export function createTable(): Table {
  return { size: 0, present: new Uint8Array(64), weight: new Float64Array(64), tier: new Uint8Array(64), vacant: [] };
}

/** Gives the endpoint a row, an emptied one first, so that the arrays stay as long as the pool was at its largest. */
export function addRow(table: Table, spec: RowSpec): Row {
  const row = table.vacant.pop() ?? table.size;
  if (row === table.present.length) grow(table);
  table.size = Math.max(table.size, row + 1);
  table.present[row] = 1;
  table.weight[row] = spec.weight;
  table.tier[row] = spec.tier;
  return row;
}

/** From now on the row is never chosen. It is not yet reusable: leases may still be out on it. */
export function retireRow(table: Table, row: Row): void {
  table.present[row] = 0;
}

/** The last lease is back: the row may serve another endpoint. */
export function vacateRow(table: Table, row: Row): void {
  table.vacant.push(row);
}

function grow(table: Table): void {
  const length = table.present.length * 2;
  table.present = copyInto(new Uint8Array(length), table.present);
  table.weight = copyInto(new Float64Array(length), table.weight);
  table.tier = copyInto(new Uint8Array(length), table.tier);
}

function copyInto<T extends Uint8Array | Float64Array>(larger: T, smaller: T): T {
  larger.set(smaller);
  return larger;
}

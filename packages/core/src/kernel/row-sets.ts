/**
 * Dense sets of rows: every row is in at most one, is put in and taken out in O(1), and a set is drawn from by index. The
 * sets share one storage in blocks of 64 rows, so that twenty-nine of them cost four bytes a row together, not each.
 */
export interface RowSets {
  /** The set a row is in; `NO_SET` when in none. */
  setOf: Uint8Array;
  /** The row's index in its set. */
  position: Int32Array;
  readonly sizes: Int32Array;
  storage: Int32Array;
  readonly tables: Int32Array[];
  readonly spare: number[];
  blocks: number;
}

export const NO_SET = 255;

const SHIFT = 6;
const BLOCK = 1 << SHIFT;
const MASK = BLOCK - 1;

export function createRowSets(count: number, capacity: number): RowSets {
  return {
    setOf: new Uint8Array(capacity).fill(NO_SET),
    position: new Int32Array(capacity),
    sizes: new Int32Array(count),
    storage: new Int32Array(0),
    tables: Array.from({ length: count }, () => new Int32Array(4)),
    spare: [],
    blocks: 0,
  };
}

export function rowAt(sets: RowSets, set: number, index: number): number {
  return sets.storage[(sets.tables[set]![index >> SHIFT]! << SHIFT) | (index & MASK)]!;
}

/** Puts the row into `set`, out of the one it was in. */
export function moveTo(sets: RowSets, row: number, set: number): void {
  if (sets.setOf[row] === set) return;
  removeFromSet(sets, row);
  const index = sets.sizes[set]!;
  if ((index & MASK) === 0) addBlock(sets, set, index >> SHIFT);
  sets.sizes[set] = index + 1;
  sets.storage[(sets.tables[set]![index >> SHIFT]! << SHIFT) | (index & MASK)] = row;
  sets.setOf[row] = set;
  sets.position[row] = index;
}

export function removeFromSet(sets: RowSets, row: number): void {
  const set = sets.setOf[row]!;
  if (set === NO_SET) return;
  const last = sets.sizes[set]! - 1;
  const mover = rowAt(sets, set, last);
  const index = sets.position[row]!;
  const table = sets.tables[set]!;
  sets.storage[(table[index >> SHIFT]! << SHIFT) | (index & MASK)] = mover;
  sets.position[mover] = index;
  sets.sizes[set] = last;
  if ((last & MASK) === 0) sets.spare.push(table[last >> SHIFT]!);
  sets.setOf[row] = NO_SET;
}

function addBlock(sets: RowSets, set: number, slot: number): void {
  const table = sets.tables[set]!;
  if (slot >= table.length) {
    sets.tables[set] = new Int32Array(table.length * 2);
    sets.tables[set].set(table);
  }
  sets.tables[set]![slot] = sets.spare.pop() ?? newBlock(sets);
}

function newBlock(sets: RowSets): number {
  const block = sets.blocks;
  sets.blocks += 1;
  if (sets.blocks << SHIFT > sets.storage.length) {
    const larger = new Int32Array(Math.max(BLOCK * 4, Math.ceil((sets.blocks * 1.125 + 1) * BLOCK)));
    larger.set(sets.storage);
    sets.storage = larger;
  }
  return block;
}

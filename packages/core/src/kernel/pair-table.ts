/**
 * What is remembered of (endpoint, target) pairs: typed open addressing with linear probing, 35 bytes a slot. It grows to
 * `maxSlots` and then forgets: entries that ended first, else the least recently used (CLOCK). Forgetting one costs at
 * most one extra refusal.
 */
export interface PairTable {
  left: Int32Array;
  /** The second key; 0 marks an empty slot. */
  right: Int32Array;
  /** An instant after which the entry says nothing more. */
  until: Float64Array;
  strikes: Float32Array;
  /** When the pair was throttled last, or 0, and what it was served since. */
  since: Float64Array;
  served: Uint16Array;
  flags: Uint8Array;
  size: number;
  hand: number;
  readonly maxSlots: number;
  /** Told of the second key of each entry that is forgotten. */
  readonly onForget: (right: number) => void;
}

/** Bits of `flags`. The lowest is the table's own; the others are the owner's. */
const USED = 1;
export const PAIR_FLAG = 2;

const LEAST_SLOTS = 64;
/** Entries the hand looks at for one that ended, before it settles for one not used of late. */
const SWEEP = 32;

export function createPairTable(maxSlots: number, onForget: (right: number) => void = () => {}): PairTable {
  return { ...columns(LEAST_SLOTS), size: 0, hand: 0, maxSlots: Math.max(LEAST_SLOTS, maxSlots), onForget };
}

/** The slot of a pair, or -1. Valid until the next `putPair` or `dropPair`. */
export function findPair(table: PairTable, left: number, right: number): number {
  if (table.size === 0) return -1;
  const mask = table.right.length - 1;
  for (let slot = home(left, right, mask); ; slot = (slot + 1) & mask) {
    const other = table.right[slot]!;
    if (other === 0) return -1;
    if (other === right && table.left[slot] === left) {
      table.flags[slot] = table.flags[slot]! | USED;
      return slot;
    }
  }
}

/** The slot of a pair, made when there is none. Forgets another entry when the table is full. */
export function putPair(table: PairTable, left: number, right: number, now: number): number {
  const found = findPair(table, left, right);
  if (found >= 0) return found;
  if ((table.size + 1) * 10 > table.right.length * 7) makeRoom(table, now);
  table.size += 1;
  const slot = emptySlot(table, left, right);
  table.left[slot] = left;
  table.right[slot] = right;
  table.until[slot] = 0;
  table.strikes[slot] = 0;
  table.since[slot] = 0;
  table.served[slot] = 0;
  table.flags[slot] = USED;
  return slot;
}

/** Takes an entry out and closes the gap, so that no search is longer for what has left. */
export function dropPair(table: PairTable, slot: number): void {
  const mask = table.right.length - 1;
  const right = table.right[slot]!;
  let gap = slot;
  for (let next = (gap + 1) & mask; table.right[next] !== 0; next = (next + 1) & mask) {
    const wanted = home(table.left[next]!, table.right[next]!, mask);
    // An entry may fill the gap only if the gap is not before its home.
    if (((next - wanted) & mask) < ((next - gap) & mask)) continue;
    copySlot(table, next, table, gap);
    gap = next;
  }
  table.right[gap] = 0;
  table.size -= 1;
  table.onForget(right);
}

function makeRoom(table: PairTable, now: number): void {
  if (table.right.length * 2 <= table.maxSlots) return grow(table);
  forgetOne(table, now);
}

function forgetOne(table: PairTable, now: number): void {
  const mask = table.right.length - 1;
  let victim = -1;
  for (let seen = 0; seen < SWEEP || victim < 0; table.hand = (table.hand + 1) & mask) {
    const slot = table.hand;
    if (table.right[slot] === 0) continue;
    seen += 1;
    if (table.until[slot]! <= now) return dropPair(table, slot);
    if ((table.flags[slot]! & USED) === 0) victim = victim < 0 ? slot : victim;
    table.flags[slot] = table.flags[slot]! & ~USED;
  }
  dropPair(table, victim);
}

function grow(table: PairTable): void {
  const old = { ...table };
  Object.assign(table, columns(old.right.length * 2));
  table.hand = 0;
  for (let slot = 0; slot < old.right.length; slot += 1) {
    if (old.right[slot] === 0) continue;
    copySlot(old, slot, table, emptySlot(table, old.left[slot]!, old.right[slot]!));
  }
}

function emptySlot(table: PairTable, left: number, right: number): number {
  const mask = table.right.length - 1;
  let slot = home(left, right, mask);
  while (table.right[slot] !== 0) slot = (slot + 1) & mask;
  return slot;
}

function copySlot(from: PairTable, source: number, to: PairTable, slot: number): void {
  to.left[slot] = from.left[source]!;
  to.right[slot] = from.right[source]!;
  to.until[slot] = from.until[source]!;
  to.strikes[slot] = from.strikes[source]!;
  to.since[slot] = from.since[source]!;
  to.served[slot] = from.served[source]!;
  to.flags[slot] = from.flags[source]!;
}

function columns(slots: number) {
  return {
    left: new Int32Array(slots),
    right: new Int32Array(slots),
    until: new Float64Array(slots),
    strikes: new Float32Array(slots),
    since: new Float64Array(slots),
    served: new Uint16Array(slots),
    flags: new Uint8Array(slots),
  };
}

function home(left: number, right: number, mask: number): number {
  let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) & mask;
}

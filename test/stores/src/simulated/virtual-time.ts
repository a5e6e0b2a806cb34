import type { Clock } from '@fairlead/core';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  off: boolean;
}

/** Time that passes from one event to the next. Everything of a simulation hangs on one. */
export class VirtualTime {
  now = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  at(at: number, run: () => void): () => void {
    const entry: Entry = { at: Math.max(at, this.now), order: (this.#order += 1), run, off: false };
    this.#push(entry);
    return () => void (entry.off = true);
  }

  /** Goes on to the next event and lets everything that follows from it come to rest. False when there is none before `end`. */
  async step(end: number): Promise<boolean> {
    for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
      if (next.at > end) break;
      this.#pop();
      if (next.off) continue;
      this.now = next.at;
      next.run();
      await rest();
      return true;
    }
    this.now = Math.max(this.now, end);
    return false;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(entry);
    for (let parent = (hole - 1) >> 1; hole > 0 && before(entry, heap[parent]!); parent = (hole - 1) >> 1) {
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let hole = 0;
    for (let child = 1; child < heap.length; child = 2 * hole + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last;
  }
}

/**
 * Resolves once every promise that can be settled is: a tick comes after all of them. A turn of the event loop would do the
 * same, and cost more than all that happens in one.
 */
function rest(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function before(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** A machine that can be stopped: its clock goes on, and what was due meanwhile comes when it wakes. */
export class Machine implements Clock {
  readonly #time: VirtualTime;
  /** Its clocks agree with nobody's. */
  readonly #offset: number;
  readonly #wallOffset: number;
  #late: (() => void)[] | undefined;
  dead = false;

  constructor(time: VirtualTime, offset: number, wallOffset: number) {
    this.#time = time;
    this.#offset = offset;
    this.#wallOffset = wallOffset;
  }

  now(): number {
    return this.#time.now + this.#offset;
  }

  wallNow(): number {
    return 1_767_225_600_000 + this.#time.now + this.#wallOffset;
  }

  schedule(at: number, callback: () => void): () => void {
    let off = false;
    const cancel = this.#time.at(at - this.#offset, () => this.perform(() => void (off || callback())));
    return () => {
      off = true;
      cancel();
    };
  }

  get frozen(): boolean {
    return this.#late !== undefined;
  }

  /** Does it now, or when the machine wakes; never when it is dead. */
  perform(work: () => void): void {
    if (this.dead) return;
    if (this.#late === undefined) work();
    else this.#late.push(work);
  }

  freeze(): void {
    this.#late ??= [];
  }

  thaw(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    for (const work of late) this.perform(work);
  }
}

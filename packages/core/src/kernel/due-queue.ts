/** Rows by the instant they are due, soonest first: a binary heap that knows where each row stands. */
export interface DueQueue {
  heap: Int32Array;
  size: number;
}

/** What orders the queue and remembers places in it: columns of the table, which may be replaced as it grows. */
export interface DueColumns {
  readonly coolUntil: Float32Array;
  readonly position: Int32Array;
}

export function createDueQueue(capacity: number): DueQueue {
  return { heap: new Int32Array(capacity), size: 0 };
}

export function enqueue(queue: DueQueue, columns: DueColumns, row: number): void {
  if (queue.size === queue.heap.length) {
    const larger = new Int32Array(Math.max(16, Math.ceil(queue.size * 1.25)));
    larger.set(queue.heap);
    queue.heap = larger;
  }
  queue.size += 1;
  siftUp(queue, columns, queue.size - 1, row);
}

/** The soonest-due row, or -1. */
export function soonest(queue: DueQueue): number {
  return queue.size === 0 ? -1 : queue.heap[0]!;
}

export function dequeue(queue: DueQueue, columns: DueColumns, row: number): void {
  const hole = columns.position[row]!;
  queue.size -= 1;
  if (hole === queue.size) return;
  const mover = queue.heap[queue.size]!;
  const parent = (hole - 1) >> 1;
  if (hole > 0 && columns.coolUntil[mover]! < columns.coolUntil[queue.heap[parent]!]!) {
    siftUp(queue, columns, hole, mover);
  } else {
    siftDown(queue, columns, hole, mover);
  }
}

function siftUp({ heap }: DueQueue, { coolUntil, position }: DueColumns, from: number, row: number): void {
  const due = coolUntil[row]!;
  let hole = from;
  while (hole > 0) {
    const parent = (hole - 1) >> 1;
    const other = heap[parent]!;
    if (coolUntil[other]! <= due) break;
    heap[hole] = other;
    position[other] = hole;
    hole = parent;
  }
  heap[hole] = row;
  position[row] = hole;
}

function siftDown({ heap, size }: DueQueue, { coolUntil, position }: DueColumns, from: number, row: number): void {
  const due = coolUntil[row]!;
  let hole = from;
  for (let child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
    if (child + 1 < size && coolUntil[heap[child + 1]!]! < coolUntil[heap[child]!]!) child += 1;
    const other = heap[child]!;
    if (coolUntil[other]! >= due) break;
    heap[hole] = other;
    position[other] = hole;
    hole = child;
  }
  heap[hole] = row;
  position[row] = hole;
}

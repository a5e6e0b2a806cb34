/** What happens at an instant: a callback kept for the whole run and the number it is called with. */
export type Handler = (now: number, argument: number) => void;

/**
 * Virtual time: a binary heap over typed arrays. Equal instants come out in the order they went in, which is what makes
 * a run reproducible.
 */
export class EventQueue {
  now = 0;
  #size = 0;
  #order = 0;
  #capacity = 1024;
  #at = new Float64Array(this.#capacity);
  #turn = new Float64Array(this.#capacity);
  #slot = new Int32Array(this.#capacity);
  readonly #handlers: (Handler | undefined)[] = [];
  readonly #arguments: number[] = [];
  /** Raised whenever a slot is used again, so that an old ticket cancels nothing new. */
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#size;
  }

  /** Returns a ticket for `cancel`. */
  schedule(at: number, handler: Handler, argument: number): number {
    const slot = this.#free.pop() ?? this.#handlers.length;
    const use = ((this.#uses[slot] ?? 0) + 1) % 2_097_152;
    this.#handlers[slot] = handler;
    this.#arguments[slot] = argument;
    this.#uses[slot] = use;
    this.#push(Math.max(at, this.now), slot);
    return use * 4_294_967_296 + slot;
  }

  cancel(ticket: number): void {
    const slot = ticket % 4_294_967_296;
    if (this.#uses[slot] === Math.floor(ticket / 4_294_967_296)) this.#handlers[slot] = undefined;
  }

  /** Runs the next event, unless there is none before `end`. */
  step(end: number): boolean {
    if (this.#size === 0 || this.#at[0]! > end) return false;
    const at = this.#at[0]!;
    const slot = this.#slot[0]!;
    this.#pop();
    const handler = this.#handlers[slot];
    this.#handlers[slot] = undefined;
    // A cancelled slot is free only once it leaves the heap: until then its place is taken.
    this.#free.push(slot);
    if (handler === undefined) return true;
    this.now = at;
    handler(at, this.#arguments[slot]!);
    return true;
  }

  #push(at: number, slot: number): void {
    if (this.#size === this.#capacity) this.#grow();
    const turn = (this.#order += 1);
    let hole = this.#size;
    this.#size += 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      // A newcomer's turn is the highest: only an earlier instant lets it pass.
      if (this.#at[parent]! <= at) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#at[hole] = at;
    this.#turn[hole] = turn;
    this.#slot[hole] = slot;
  }

  #pop(): void {
    this.#size -= 1;
    const last = this.#size;
    if (last === 0) return;
    const at = this.#at[last]!;
    const turn = this.#turn[last]!;
    let hole = 0;
    for (;;) {
      let child = hole * 2 + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#earlier(child + 1, this.#at[child]!, this.#turn[child]!)) child += 1;
      if (!this.#earlier(child, at, turn)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#move(last, hole);
  }

  #earlier(index: number, at: number, turn: number): boolean {
    const instant = this.#at[index]!;
    return instant < at || (instant === at && this.#turn[index]! < turn);
  }

  #move(from: number, to: number): void {
    this.#at[to] = this.#at[from]!;
    this.#turn[to] = this.#turn[from]!;
    this.#slot[to] = this.#slot[from]!;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#at = grown(this.#at, new Float64Array(this.#capacity));
    this.#turn = grown(this.#turn, new Float64Array(this.#capacity));
    this.#slot = grown(this.#slot, new Int32Array(this.#capacity));
  }
}

function grown<T extends Float64Array | Int32Array>(smaller: T, larger: T): T {
  larger.set(smaller);
  return larger;
}

import type { CarriedDispatch } from './carried-dispatch.js';

/**
 * The dispatches of one dispatcher that have not come to their end. In an array, where leaving costs nothing: a Set that grows
 * anew every few dozen requests hangs on to its earlier tables, and to every request in them, until a full collection.
 */
export class UnderWay {
  readonly #dispatches: CarriedDispatch[] = [];
  #empty: (() => void) | undefined;

  add(dispatch: CarriedDispatch): void {
    dispatch.slot = this.#dispatches.length;
    this.#dispatches.push(dispatch);
  }

  /** The last one takes its place. */
  delete(dispatch: CarriedDispatch): void {
    const { slot } = dispatch;
    if (slot < 0) return;
    dispatch.slot = -1;
    const last = this.#dispatches.pop()!;
    if (last !== dispatch) {
      this.#dispatches[slot] = last;
      last.slot = slot;
    }
    if (this.#dispatches.length === 0) this.#empty?.();
  }

  async over(): Promise<void> {
    if (this.#dispatches.length > 0) await new Promise<void>((resolve) => (this.#empty = resolve));
  }

  abort(reason: Error): void {
    for (const dispatch of Array.from(this.#dispatches)) dispatch.outer.abort(reason);
  }
}

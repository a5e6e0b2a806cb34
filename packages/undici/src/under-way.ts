import type { CarriedDispatch } from './carried-dispatch.js';

/** The dispatches of one dispatcher that have not come to their end. */
export class UnderWay {
  readonly #dispatches = new Set<CarriedDispatch>();
  #empty: (() => void) | undefined;

  add(dispatch: CarriedDispatch): void {
    this.#dispatches.add(dispatch);
  }

  delete(dispatch: CarriedDispatch): void {
    this.#dispatches.delete(dispatch);
    if (this.#dispatches.size === 0) this.#empty?.();
  }

  async over(): Promise<void> {
    if (this.#dispatches.size > 0) await new Promise<void>((resolve) => (this.#empty = resolve));
  }

  abort(reason: Error): void {
    for (const dispatch of this.#dispatches) dispatch.outer.abort(reason);
  }
}

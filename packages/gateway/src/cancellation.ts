import type { Abortion } from '@fairlead/dial';

/**
 * Says once that something is called off. An AbortController does the same at ten times the cost, and a tunnel needs
 * several.
 */
export class Cancellation implements Abortion {
  #listeners: (() => void)[] = [];
  aborted = false;

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.aborted) this.#listeners.push(listener);
  }

  /** Calls back when it is called off, at once where it was. */
  tell(listener: () => void): void {
    if (this.aborted) listener();
    else this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const index = this.#listeners.indexOf(listener);
    if (index >= 0) this.#listeners.splice(index, 1);
  }
}

/** At most so many uses in any span of so long: the instants of the last uses, in a ring. */
export interface Window {
  readonly perMs: number;
  readonly uses: Float64Array;
  /** Where the oldest stands, which the next one replaces. */
  next: number;
}

export function createWindow(requests: number, perMs: number): Window {
  return { perMs, uses: new Float64Array(requests).fill(Number.NEGATIVE_INFINITY), next: 0 };
}

/** The instant from which it may be used again; in the past when it may at once. */
export function windowOpensAt({ perMs, uses, next }: Window): number {
  return uses[next]! + perMs;
}

/** Counts one use now. */
export function useWindow(window: Window, now: number): void {
  window.uses[window.next] = now;
  window.next = window.next + 1 === window.uses.length ? 0 : window.next + 1;
}

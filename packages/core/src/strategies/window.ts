import { nearestRank } from '../kernel/quantiles.js';

/** The last so many numbers: what older pools judge an endpoint by. */
export interface Window {
  readonly values: number[];
  readonly size: number;
  next: number;
}

export function createWindow(size: number): Window {
  return { values: [], size, next: 0 };
}

export function slide(window: Window, value: number): void {
  window.values[window.next] = value;
  window.next = (window.next + 1) % window.size;
}

/** NaN while empty. */
export function meanOf({ values }: Window): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** By nearest rank; NaN while empty. */
export function quantileOfWindow({ values }: Window, q: number): number {
  return nearestRank(
    [...values].sort((a, b) => a - b),
    q,
  );
}

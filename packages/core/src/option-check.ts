import { ConfigurationError } from './errors.js';

/** Refuses keys nobody reads, and offers the nearest known one: a typo in an option must not pass for a default. */
export function checkKeys(options: object, known: readonly string[], path: string): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const item = path === '' ? key : `${path}.${key}`;
    const near = nearest(key, known);
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`;
    throw new ConfigurationError('UNKNOWN_OPTION', item, `is not an option; ${hint}`);
  }
}

export function finiteAtLeast(value: unknown, least: number, item: string): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return;
  throw new ConfigurationError('INVALID_OPTION', item, `must be a number of at least ${least}`);
}

export function integerAtLeast(value: unknown, least: number, item: string): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  throw new ConfigurationError('INVALID_OPTION', item, `must be a whole number of at least ${least}`);
}

/** Durations are milliseconds; `Infinity` is allowed where "never" makes sense to the reader. */
export function duration(value: unknown, item: string): void {
  if (typeof value === 'number' && value >= 0) return;
  throw new ConfigurationError('INVALID_OPTION', item, 'must be a duration in milliseconds, not negative');
}

/** The known word nearest to `word`, unless nearly half of it would have to change. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.ceil(word.length * 0.45)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const swap = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(swap, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}

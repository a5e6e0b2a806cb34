import { ConfigurationError } from './errors.js';

/** A copy with own keys only and without those that are undefined: neither a prototype nor a gap counts as an option. */
export function ownOptions<T extends object>(options: T, item: string): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError('INVALID_OPTION', item, 'must be an object of options');
  }
  const own: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(options)) if (value !== undefined) own[key] = value;
  return own as T;
}

/** Refuses keys nobody reads, and offers the nearest known one: a typo in an option must not pass for a default. */
export function checkKeys(options: object, known: readonly string[], path: string): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    // A key can be a URL by mistake, and a URL can hold a password.
    const shown = /^\w{1,40}$/.test(key) ? key : '(a key)';
    const item = path === '' ? shown : `${path}.${shown}`;
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

export function ofType(value: unknown, type: 'boolean' | 'string' | 'function', item: string): void {
  if (typeof value === type) return;
  throw new ConfigurationError('INVALID_OPTION', item, `must be a ${type}`);
}

export function hasMethods(value: unknown, methods: readonly string[], item: string): void {
  const object: Record<string, unknown> = Object(value) as Record<string, unknown>;
  const missing = methods.find((method) => typeof object[method] !== 'function');
  if (missing !== undefined) throw new ConfigurationError('INVALID_OPTION', item, `has no method ${missing}`);
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

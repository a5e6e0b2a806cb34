import type { HeaderView } from '../outcome.js';
import { parseHttpDate } from './http-date.js';

/** A target may ask for a day; more is a mistake or an attack, and would take the target out for good. */
const LONGEST_MS = 24 * 60 * 60 * 1000;

/**
 * How long the target asks us to stay away: `Retry-After` in seconds or as a date, else the reset of `RateLimit-*`. A date is
 * taken against the answer's own `Date`, so that neither clock has to be right.
 */
export function retryAfterMs(headers: HeaderView | undefined, wallNow: number): number | undefined {
  if (headers === undefined) return undefined;
  const asked = fromRetryAfter(headers, wallNow) ?? fromRateLimit(headers, wallNow);
  if (asked === undefined || !(asked >= 0)) return undefined;
  return Math.min(asked, LONGEST_MS);
}

function fromRetryAfter(headers: HeaderView, wallNow: number): number | undefined {
  const value = readHeader(headers, 'retry-after');
  if (value === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = parseHttpDate(value);
  return date === undefined ? undefined : Math.max(0, date - sentAt(headers, wallNow));
}

function sentAt(headers: HeaderView, wallNow: number): number {
  return parseHttpDate(readHeader(headers, 'date') ?? '') ?? wallNow;
}

function fromRateLimit(headers: HeaderView, wallNow: number): number | undefined {
  const combined = /(?:^|[;,\s])(?:reset|t)=(\d+)/.exec(readHeader(headers, 'ratelimit') ?? '')?.[1];
  const value = combined ?? readHeader(headers, 'ratelimit-reset') ?? readHeader(headers, 'x-ratelimit-reset');
  if (value === undefined || !/^\d+$/.test(value)) return undefined;
  // Some count in milliseconds, which no moment in seconds reaches.
  const seconds = Number(value) > 1e12 ? Number(value) / 1000 : Number(value);
  // Some send the moment of the reset, in seconds since 1970, instead of the time until it.
  if (seconds <= 1e9) return seconds * 1000;
  const ms = seconds * 1000 - sentAt(headers, wallNow);
  // A moment that is past says nothing of when to come again.
  return ms > 0 ? ms : undefined;
}

/** Whatever stands for headers: `get` of the platform's own answers null, others throw or answer lists. */
export function readHeader(headers: HeaderView, name: string): string | undefined {
  try {
    const value: unknown = headers.get(name);
    return typeof value === 'string' ? value.trim() : undefined;
  } catch {
    // It is read in the middle of the books: an answer whose headers cannot be read asks for nothing.
    return undefined;
  }
}

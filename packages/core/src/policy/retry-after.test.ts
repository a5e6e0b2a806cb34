import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseHttpDate } from './http-date.js';
import { retryAfterMs } from './retry-after.js';

const wall = Date.UTC(1994, 10, 6, 8, 49, 7);
const asked = (headers: Record<string, string>) => retryAfterMs({ get: (name) => headers[name] }, wall);

test.each([
  [{ 'retry-after': '120' }, 120_000],
  [{ 'retry-after': ' 0 ' }, 0],
  [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' }, 30_000],
  [{ 'retry-after': 'Sunday, 06-Nov-94 08:49:37 GMT' }, 30_000],
  [{ 'retry-after': 'Sun Nov  6 08:49:37 1994' }, 30_000],
  [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT', date: 'Sun, 06 Nov 1994 08:49:27 GMT' }, 10_000],
  [{ 'retry-after': 'Sat, 05 Nov 1994 08:49:37 GMT' }, 0],
  [{ 'retry-after': '99999999' }, 86_400_000],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': '-5' }, undefined],
  [{ 'ratelimit-reset': '7' }, 7000],
  [{ ratelimit: '"default";r=0;t=12' }, 12_000],
  [{ ratelimit: 'limit=10, remaining=0, reset=13' }, 13_000],
  [{ 'retry-after': '3', 'ratelimit-reset': '7' }, 3000],
  [{}, undefined],
])('%j asks for %s ms', (headers, expected) => {
  expect(asked(headers)).toBe(expected);
});

test('a reset given as a moment is taken as one', () => {
  const headers = { get: (name: string) => (name === 'x-ratelimit-reset' ? '1800000009' : undefined) };
  expect(retryAfterMs(headers, 1_800_000_000_000)).toBe(9000);
});

test('a date is read as the platform reads it, for every second of four centuries', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12_622_780_800 }), (seconds) => {
      expect(parseHttpDate(new Date(seconds * 1000).toUTCString())).toBe(seconds * 1000);
    }),
  );
});

test("a reset given as a moment is taken against the answer's own clock, and says nothing once it is past", () => {
  const sent = Date.UTC(2030, 0, 1);
  const at = (moment: number) => ({
    get: (name: string) => ({ date: new Date(sent).toUTCString(), 'x-ratelimit-reset': `${moment / 1000}` })[name],
  });
  expect(retryAfterMs(at(sent + 30_000), sent + 60_000)).toBe(30_000);
  expect(retryAfterMs(at(sent - 1000), sent)).toBeUndefined();
});

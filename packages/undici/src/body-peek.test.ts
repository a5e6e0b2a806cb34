import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { BodyPeek } from './body-peek.js';

const text = Buffer.from(Array.from({ length: 20_000 }, (_, n) => `line ${n * 7919}\n`).join(''));

test.each([
  ['gzip', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['br', brotliCompressSync(text)],
  ['identity', text],
])('%s: the first bytes, decoded, from a part of the body', (encoding, body) => {
  const peek = new BodyPeek('head', encoding, 100);
  expect(peek.add(body.subarray(0, 60))).toBe(false);
  expect(peek.add(body.subarray(60, 8000))).toBe(true);
  expect(Buffer.from(peek.prefix()).toString()).toBe(text.subarray(0, 100).toString());
});

test('a bomb is unpacked no further than is asked for', () => {
  const bomb = gzipSync(Buffer.alloc(200_000_000));
  const peek = new BodyPeek('head', 'gzip', 100_000);
  const before = process.memoryUsage().rss;
  peek.add(bomb);
  expect(peek.prefix().length).toBeLessThanOrEqual(100_000);
  expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
});

test('what is packed in an unknown way, or not at all as it says, breaks nothing', () => {
  const unknown = new BodyPeek('head', 'zstd-of-mars', 4);
  unknown.add(text);
  expect(Buffer.from(unknown.prefix()).toString()).toBe('line');
  const lying = new BodyPeek('head', 'gzip', 4);
  lying.add(text);
  expect(lying.prefix()).toHaveLength(0);
});

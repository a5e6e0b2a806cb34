import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainTarget, toTarget } from './target.js';

test.each([
  'https://shop.example/a?b=c',
  'http://a-b.shop.example',
  'https://www.shop.example#x',
  'https://ab--c.example?x',
])('%s is plain, and is what the parser says', (url) => {
  expect(plainTarget(url)).toBe(toTarget(url));
});

test.each([
  'https://user@shop.example/',
  'https://user:1@shop.example/',
  'https://shop.example:8443/',
  'https://Shop.example/',
  'https://shop.example./',
  'https://1.2.3.4/',
  'https://0x7f.1/',
  'https://shop.0x1/',
  'https://xn--bcher-kva.example/',
  'https://shop.example\\@evil.example/',
  'https://shop.exa\tmple/',
  'https:/shop.example/',
  'ftp://shop.example/',
  'shop.example',
  ' https://shop.example',
])('%s is left to the parser', (url) => {
  expect(plainTarget(url)).toBeUndefined();
});

test('whatever the text, what is read without the parser is what the parser reads', () => {
  const part = fc.constantFrom(
    'a',
    'b9',
    'shop',
    '-',
    '.',
    '..',
    ':',
    '80',
    '@',
    '/',
    '\\',
    '?',
    '#',
    '%2e',
    '\t',
    'xn--',
    'É',
    '0x1',
    'example',
    '_',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const url = `https://${parts.join('')}`;
      const plain = plainTarget(url);
      if (plain !== undefined) expect(plain).toBe(toTarget(url));
    }),
    { numRuns: 5_000 },
  );
});

import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainTarget, targetOf, toTarget, toTargetUrl } from './target.js';

/** What the parser makes of it; undefined of what it refuses. */
function parsed(url: string): string | undefined {
  try {
    return targetOf(toTargetUrl(url));
  } catch {
    return undefined;
  }
}

test.each([
  'https://shop.example/a?b=c',
  'http://a-b.shop.example',
  'https://www.shop.example#x',
  'https://ab--c.example?x',
])('%s is plain, and is what the parser says', (url) => {
  expect(plainTarget(url)).toBe(parsed(url));
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

test('origins with a port or an address are told apart, and are remembered as the parser reads them', () => {
  const origins = [
    'https://1.2.3.4',
    'https://1.2.3.4:443',
    'http://1.2.3.4:443',
    'https://[::1]:8443',
    'HTTPS://A.Example:1',
  ];
  for (const path of ['', '/a', '?b', '#c', '/@d', ':', '\\@evil.example', '@evil.example', '.5', '\t']) {
    for (const origin of origins) {
      const wanted = parsed(origin + path);
      if (wanted === undefined) expect(() => toTarget(origin + path)).toThrow('must be a URL or a host name');
      else expect(toTarget(origin + path)).toBe(wanted);
    }
  }
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
      if (plain !== undefined) expect(plain).toBe(parsed(url));
      const wanted = parsed(url);
      // Twice: the second answer may be remembered from the first.
      for (let time = 0; time < 2; time += 1) {
        if (wanted === undefined) expect(() => toTarget(url)).toThrow('must be a URL or a host name');
        else expect(toTarget(url)).toBe(wanted);
      }
    }),
    { numRuns: 5_000 },
  );
});

test('a key keeps nothing of the URL that it was read from', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const path = 'x'.repeat(100_000);
  const forms = [
    (n: number) => `https://first-host-${n}.example/${path}`,
    (n: number) => `https://first-host-${n}.example:8443/${path}`,
    (n: number) => new URL(`https://first-host-${n}.example./${path}`),
    (n: number) => new URL(`https://other-host-${n}.example/${path}`),
  ];
  collect();
  const before = process.memoryUsage().heapUsed;
  const keys = forms.flatMap((form) => Array.from({ length: 200 }, (_, n) => toTarget(form(n))));
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  expect(keys.length).toBe(800);
});

test('a URL names the same target however often it is asked for, and none where it has no host', () => {
  const url = new URL('http://Shop.Example:8080');
  expect([toTarget(url), toTarget(url), toTarget(new URL('http://shop.example:8080/a?b'))]).toEqual(
    Array(3).fill('shop.example:8080'),
  );
  url.port = '81';
  expect(toTarget(url)).toBe('shop.example:81');
  // As text it is a host and a port, as a URL a scheme and a path.
  expect(toTarget('localhost:8080')).toBe('localhost:8080');
  expect(() => toTarget(new URL('localhost:8080'))).toThrow('must be a URL or a host name');
  expect(toTarget(new URL('http://user@shop.example/'))).toBe('shop.example');
});

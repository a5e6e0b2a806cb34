import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileTargetPattern, globMatches } from './target-rules.js';

const matches = (pattern: string | RegExp, url: string) => compileTargetPattern(pattern, 'match')(new URL(url));

test.each([
  ['shop.example', 'https://shop.example/x', true],
  ['shop.example', 'https://www.shop.example/x', false],
  ['shop.example', 'https://shop.example.evil/x', false],
  ['SHOP.example', 'https://shop.example/', true],
  ['.shop.example', 'https://shop.example/', true],
  ['.shop.example', 'https://a.b.shop.example/', true],
  ['.shop.example', 'https://notshop.example/', false],
  ['*.shop.example', 'https://shop.example/', false],
  ['*.shop.example', 'https://a.b.shop.example/', true],
  ['api-*.shop.example', 'https://api-2.shop.example/', true],
  ['api-*.shop.example', 'https://api-.shop.example/', false],
  ['shop.example:8443', 'https://shop.example:8443/', true],
  ['shop.example:443', 'https://shop.example/', true],
  ['shop.example:80', 'https://shop.example/', false],
  ['shop.example/api', 'https://shop.example/api/x', true],
  ['shop.example/api', 'https://shop.example/apis', false],
  ['bücher.example', 'https://xn--bcher-kva.example/', true],
  ['*.bücher.example', 'https://www.bücher.example/', true],
  ['.bücher.example', 'https://bücher.example/', true],
  ['*.*.bücher.example', 'https://a.b.bücher.example/', true],
  ['shop.example.', 'https://shop.example/', true],
  ['*.shop.example.', 'https://a.shop.example/', true],
  ['.127', 'http://10.0.0.127/', true],
  ['[::1]', 'http://[::1]:80/', true],
  ['*', 'http://anything.example/', true],
  [/^shop\./g, 'https://shop.example/', true],
] as const)('%s against %s: %s', (pattern, url, expected) => {
  expect(matches(pattern, url)).toBe(expected);
  expect(matches(pattern, url)).toBe(expected);
});

test('a label with a star and letters beyond ASCII, which would never match, is refused', () => {
  expect(() => compileTargetPattern('bü*.example', 'targets[0].match')).toThrow('targets[0].match: can have letters');
});

test('a host in the query of another is not that host', () => {
  expect(matches('api.example.com', 'https://evil.example/?x=api.example.com')).toBe(false);
  expect(matches('.example.com', 'https://evil.example/.example.com')).toBe(false);
  expect(matches('api.example.com', 'https://api.example.com@evil.example/')).toBe(false);
});

test.each(['', 'a b', 'a/b?c', 'http://shop.example', '[::1', 'a:b'])('%j is refused', (pattern) => {
  expect(() => compileTargetPattern(pattern, 'targets[0].match')).toThrow('targets[0].match: must be a host pattern');
});

const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);

test('whatever host is made from a pattern matches it, and only under its own suffix', () => {
  fc.assert(
    fc.property(
      fc.array(label, { minLength: 1, maxLength: 4 }),
      fc.array(label, { minLength: 2, maxLength: 3 }),
      (sub, base) => {
        const domain = `${base.join('.')}.example`;
        const url = `https://${[...sub, domain].join('.')}/`;
        expect(matches(`*.${domain}`, url)).toBe(true);
        expect(matches(`.${domain}`, url)).toBe(true);
        expect(matches(domain, url)).toBe(false);
        expect(matches(`*.${domain}`, `https://x${domain}/`)).toBe(false);
      },
    ),
  );
});

test('glob agrees with the regular expression it stands for', () => {
  const text = fc.stringMatching(/^[ab.]{0,12}$/);
  const pattern = fc.stringMatching(/^[ab.*]{0,8}$/);
  fc.assert(
    fc.property(pattern, text, (glob, host) => {
      const expression = new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '.+')}$`);
      expect(globMatches(glob, host)).toBe(expression.test(host));
    }),
    { numRuns: 2000 },
  );
});

test('a hostile pattern and a URL of 100 KB are matched in steps that grow with their length, not faster', () => {
  // Counted in character reads rather than in time: a star never makes an earlier star try again.
  let reads = 0;
  const counted: ProxyHandler<object> = {
    get: (_target, key) => (key === 'length' ? 100_000 : ((reads += 1), 'a')),
  };
  const text = new Proxy({}, counted) as unknown as string;
  expect(globMatches('*a*a*a*a*a*b', text)).toBe(false);
  expect(reads).toBeLessThan(1_000_000);
});

import fc from 'fast-check';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parseProxyUrl, PROXY_SCHEMES, ProxyUrl } from './proxy-url.js';

const read = (text: string) => parseProxyUrl(text, { item: 'line 1' });
const parts = (url: ProxyUrl) => [
  url.scheme,
  url.host,
  url.port,
  url.credentials()?.username,
  url.credentials()?.password,
];

test.each([
  ['10.0.0.1:8000', ['http', '10.0.0.1', 8000, undefined, undefined]],
  ['http://user:pass@10.0.0.1:8000', ['http', '10.0.0.1', 8000, 'user', 'pass']],
  ['user:pass@proxy.example:3128', ['http', 'proxy.example', 3128, 'user', 'pass']],
  ['10.0.0.1:8000:user:pass', ['http', '10.0.0.1', 8000, 'user', 'pass']],
  ['10.0.0.1:8000:user:p@ss:word', ['http', '10.0.0.1', 8000, 'user', 'p@ss:word']],
  ['[2001:db8::1]:8000', ['http', '2001:db8::1', 8000, undefined, undefined]],
  ['[2001:db8::1]:8000:user:pass', ['http', '2001:db8::1', 8000, 'user', 'pass']],
  ['socks5://[::1]', ['socks5', '::1', 1080, undefined, undefined]],
  ['SOCKS://h:1', ['socks5h', 'h', 1, undefined, undefined]],
  ['https://Proxy.Example', ['https', 'proxy.example', 443, undefined, undefined]],
  ['http://user@h:1', ['http', 'h', 1, 'user', '']],
  ['http://:pass@h:1', ['http', 'h', 1, '', 'pass']],
  ['http://bücher.example:80/', ['http', 'xn--bcher-kva.example', 80, undefined, undefined]],
] as const)('%s', (text, expected) => {
  expect(parts(read(text))).toEqual(expected);
});

test('percent escapes are decoded exactly once, and a lone percent sign stays', () => {
  expect(parts(read('http://a%40b:c%2525d%zz@h:1')).slice(3)).toEqual(['a@b', 'c%25d%zz']);
  expect(parts(read('h:1:a%40b:c%25')).slice(3)).toEqual(['a%40b', 'c%25']);
});

test('an unescaped @ in a password belongs to the password, in either form', () => {
  expect(parts(read('http://u:p@ss@h:1')).slice(1)).toEqual(['h', 1, 'u', 'p@ss']);
  expect(parts(read('http://10.0.0.1:8000:user:s3cr@et')).slice(1)).toEqual(['10.0.0.1', 8000, 'user', 's3cr@et']);
  expect(parts(read('10.0.0.1:8000:user:s3cr@et:99')).slice(1)).toEqual(['10.0.0.1', 8000, 'user', 's3cr@et:99']);
});

test.each([
  '',
  'nonsense',
  'ftp://h:1',
  'http://h:0',
  'http://h:65536',
  'h:port',
  'http://',
  'http://h:1/path',
  'http://user:sec\nret@h:1',
  'socks5://' + 'u'.repeat(256) + ':p@h:1',
  'http://a%3Ab:sesame@h:1',
  'http://h o:1',
  '[::1',
  '::1:80',
  '10.0.0.1:8000@user:1234',
  'user:1234:10.0.0.1:8000',
  '2001:1234::8080:80',
  'http://10.0.0.1:8000/?email=a@evil.example',
  'http://0x7f.1:80',
  'http://2001:80',
])('%j is refused by name of its item, without its text', (text) => {
  const error = refusal(() => read(text));
  expect(error).toMatchObject({ code: 'INVALID_PROXY', item: 'line 1' });
  expect(error.message).toMatch(/^line 1: /);
});

test('a refusal never repeats a credential', () => {
  for (const text of [
    'bad://canary-user:canary-pass@h:1',
    'http://canary-user:canary-pass@h:99999',
    'canary-user:canary-pass',
  ]) {
    expect(
      inspect(
        refusal(() => read(text)),
        { depth: 10 },
      ),
    ).not.toMatch(/canary/);
  }
});

test('no way of printing shows user name or password', () => {
  const url = read('http://canary-user:canary-pass@h:1');
  const shown = [
    `${url}`,
    JSON.stringify({ url }),
    inspect(url, { depth: 10, showHidden: true }),
    Object.values(url).join(),
  ];
  expect(shown.join('\n')).not.toMatch(/canary/);
});

function refusal(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('was not refused');
}

// What begins like this is decoded, and refused where it stands for nothing.
const name = fc
  .stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9](\.[a-z]{2,5}){1,2}$/)
  .filter((host) => !host.startsWith('xn--'));
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((ip) => `[${ip}]`),
  name,
);
const secret = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' });

test('whatever user name and password are put into a URL come out of it, and it shows neither', () => {
  const parts = fc.record({
    scheme: fc.constantFrom(...PROXY_SCHEMES),
    host: address,
    port: fc.integer({ min: 1, max: 65_535 }),
    username: secret.filter((word) => !word.includes(':')).map((word) => `canary${word}`),
    password: secret.map((word) => `canary${word}`),
  });
  fc.assert(
    fc.property(parts, ({ scheme, host, port, username, password }) => {
      const [user, pass] = [username, password].map(encodeURIComponent);
      const url = parseProxyUrl(`${scheme}://${user}:${pass}@${host}:${port}`);
      expect(url.credentials()).toEqual({ username, password });
      expect([url.scheme, url.port]).toEqual([scheme, port]);
      expect(`${url} ${JSON.stringify(url)} ${inspect(url, { depth: 9, showHidden: true })}`).not.toMatch(/canary/);
      // What it shows is an address again, and the same one.
      expect(parseProxyUrl(String(url)).toString()).toBe(url.toString());
    }),
  );
});

test('host:port:user:pass is read as what it is, whatever the password', () => {
  const parts = fc.record({
    host: fc.oneof(fc.ipV4(), name),
    port: fc.integer({ min: 1, max: 65_535 }),
    username: fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/).map((word) => `u${word}`),
    password: secret.map((word) => `p${word.replaceAll(/\s/g, '_')}`),
  });
  fc.assert(
    fc.property(parts, ({ host, port, username, password }) => {
      const url = parseProxyUrl(`${host}:${port}:${username}:${password}`);
      expect([url.port, url.credentials()]).toEqual([port, { username, password }]);
    }),
  );
});

test('no text makes the parser fail in any other way than it says, or repeat what it was given', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.webUrl()), (text) => {
      try {
        expect(parseProxyUrl(`${text}canary`).port).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_PROXY' });
        expect(String(error)).not.toMatch(/canary/);
      }
    }),
    { numRuns: 500 },
  );
});

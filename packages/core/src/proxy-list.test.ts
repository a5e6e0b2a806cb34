import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseProxyList } from './proxy-list.js';
import { parseProxyUrl } from './proxy-url.js';

test('comments, blank lines, every form, and scheme lines', () => {
  const list = parseProxyList(
    ['\uFEFF# mine', '', '10.0.0.1:80 # fast', 'socks5://', '10.0.0.2:1080:u:p', 'http://10.0.0.3:80'].join('\r\n'),
  );
  expect(list.urls.map(String)).toEqual(['http://10.0.0.1:80', 'socks5://10.0.0.2:1080', 'http://10.0.0.3:80']);
  expect(list.errors).toEqual([]);
});

test('a line that cannot be read is named by its number and the others are kept', () => {
  const list = parseProxyList('10.0.0.1:80\nsecret-token\n\n10.0.0.2:80\n' + 'x'.repeat(600));
  expect(list.urls).toHaveLength(2);
  expect(list.errors.map(({ item }) => item)).toEqual(['line 2', 'line 5']);
  expect(list.errors.map(({ message }) => message).join()).not.toMatch(/secret-token|xxx/);
});

test('a list of wrong lines is counted, not kept', () => {
  const list = parseProxyList('nonsense\n'.repeat(5000));
  expect([list.errors.length, list.unreadable]).toEqual([100, 5000]);
});

test('an unknown scheme for bare lines is refused', () => {
  expect(() => parseProxyList('', { scheme: 'ftp' as never })).toThrow('scheme: is unknown');
});

test('a list has every address that was written into it, in order, whatever stands between', () => {
  const address = fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`);
  const line = fc.oneof(
    address.map((text) => ({ text, url: `http://${text}`, wrong: false })),
    fc.constantFrom('', '   ', '# a comment', '// another').map((text) => ({ text, url: undefined, wrong: false })),
    fc
      .constantFrom('nonsense', 'ftp://h:1', 'a b', '1.2.3.4:99999')
      .map((text) => ({ text, url: undefined, wrong: true })),
  );
  const lines = fc.tuple(fc.array(line, { maxLength: 40 }), fc.constantFrom('\n', '\r\n', '\r'));
  fc.assert(
    fc.property(lines, ([entries, end]) => {
      const list = parseProxyList(entries.map(({ text }) => text).join(end));
      expect(list.urls.map(String)).toEqual(
        entries.flatMap(({ url }) => (url === undefined ? [] : [String(parseProxyUrl(url))])),
      );
      const wrong = entries.flatMap(({ wrong }, index) => (wrong ? [`line ${index + 1}`] : []));
      expect(list.errors.map(({ item }) => item)).toEqual(wrong);
      expect(list.unreadable).toBe(wrong.length);
    }),
  );
});

test('no text makes the list fail, and no error repeats any of it', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 20 }), (parts) => {
      const { errors } = parseProxyList(parts.map((part) => `${part}canary`).join('\n'));
      expect(errors.map(String).join()).not.toMatch(/canary/);
    }),
  );
});

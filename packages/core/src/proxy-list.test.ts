import { expect, test } from 'vitest';
import { parseProxyList } from './proxy-list.js';

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

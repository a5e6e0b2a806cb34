import { expect, test } from 'vitest';
import { authorityOf, toDestination } from './destination.js';

test.each([
  ['example.com', 'example.com:443'],
  ['[::1]', '[::1]:443'],
  ['2001:db8::1', '[2001:db8::1]:443'],
  ['127.0.0.1', '127.0.0.1:443'],
  ['bücher.example', 'xn--bcher-kva.example:443'],
  [`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.example`, undefined],
])('%s can be dialled', (host, authority) => {
  expect(authorityOf(toDestination(host, 443))).toBe(authority ?? `${host}:443`);
});

test.each(['', 'a b', 'a\r\nProxy-Evil: 1', 'a\nb', 'a\tb', 'a/b', 'a@b', 'a:1', `${'a'.repeat(60)}.`.repeat(5)])(
  '%j cannot',
  (host) => {
    expect(() => toDestination(host, 443)).toThrow(
      expect.objectContaining({ code: 'INVALID_TARGET', fault: 'caller' }),
    );
  },
);

test.each([0, -1, 65_536, 1.5, Number.NaN])('port %d cannot', (port) => {
  expect(() => toDestination('example.com', port)).toThrow(expect.objectContaining({ code: 'INVALID_TARGET' }));
});

import { expect, test } from 'vitest';
import { readAuthority } from './destination.js';
import { directRules } from './direct-rules.js';

const CASES: readonly (readonly [rule: string, goes: readonly string[], stays: readonly string[]])[] = [
  ['shop.example', ['shop.example', 'www.shop.example', 'SHOP.example.'], ['xshop.example', 'shop.example.org']],
  ['shop.example.', ['shop.example', 'www.shop.example'], ['example']],
  ['domain:shop.example', ['shop.example'], ['www.shop.example']],
  ['domain:shop.example.', ['shop.example'], ['www.shop.example']],
  ['suffix:shop.example', ['www.shop.example'], ['shop.example']],
  ['*.shop.example', ['www.shop.example'], ['shop.example']],
  ['.shop.example', ['www.shop.example'], ['shop.example', 'xshop.example']],
  ['[2001:db8::1]', ['[2001:db8::1]'], ['[2001:db8::2]']],
];

for (const [rule, goes, stays] of CASES) {
  test(`${rule} means these and no others`, () => {
    const isDirect = directRules({ direct: [rule] });
    const isProxied = directRules({ proxied: [rule] });
    for (const [hosts, expected] of [
      [goes, true],
      [stays, false],
    ] as const) {
      for (const host of hosts) {
        const destination = readAuthority(`${host}:443`);
        expect([host, isDirect(destination)]).toEqual([host, expected]);
        expect([host, isProxied(destination)]).toEqual([host, !expected]);
      }
    }
  });
}

test('rules that cannot be meant are refused by their place', () => {
  for (const rule of ['', 'a b', 'shop.example/x', 'shop.example:80', 'a.*.example', 'domain:']) {
    expect(() => directRules({ direct: ['ok.example', rule] })).toThrow('direct[1]');
  }
  expect(() => directRules({ direct: [], proxied: [] })).toThrow('proxied');
});

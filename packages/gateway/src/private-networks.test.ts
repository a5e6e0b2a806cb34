import type { LookupAddress } from 'node:dns';
import { expect, test } from 'vitest';
import { readAuthority } from './destination.js';
import { PrivateNetworks } from './private-networks.js';

/** Spellings of places that are nobody's business, as a client may write them before a port. */
const SPELLINGS = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '127.255.255.254',
  '0177.0.0.1',
  '0x7f.0.0.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '127.0.0.1.',
  '0',
  '0.0.0.0',
  '0x0',
  '10.0.0.1',
  '10.1',
  '0xa000001',
  '167772161',
  '012.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '192.168.257',
  '3232235521',
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '169.254.43518',
  '100.64.0.1',
  '100.127.255.255',
  '192.0.0.170',
  '198.18.0.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '１２７.０.０.１',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '%31%32%37.0.0.1',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'a.localhost',
  'ｌｏｃａｌｈｏｓｔ',
  'metadata.google.internal',
  'printer.local',
  'localhost.localdomain',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b:1::a00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[fe80::1]',
  '[fec0::1]',
  '[fc00::1]',
  '[fd12:3456::1]',
  '[ff02::1]',
  '[2001:db8::1]',
  '[100::1]',
];

const guard = new PrivateNetworks([]);

for (const spelling of SPELLINGS) {
  test(`${spelling} is refused`, () => {
    // Either it is no target at all, or it is one that is private.
    expect(() => guard.check(readAuthority(`${spelling}:443`))).toThrow(
      /private network|host and a port|takes host:port/,
    );
  });
}

test('sixty spellings and more were tried', () => expect(SPELLINGS.length).toBeGreaterThanOrEqual(60));

for (const place of [
  'example.com',
  'EXAMPLE.com',
  '93.184.216.34',
  '[2606:2800:220:1::1]',
  'bücher.example',
  '8.8.8.8',
  '172.32.0.1',
]) {
  test(`${place} is not`, () => expect(() => guard.check(readAuthority(`${place}:443`))).not.toThrow());
}

test('what is allowed by name of its network passes, in any spelling, and nothing beside it', () => {
  const lab = new PrivateNetworks(['127.0.0.0/8', 'fd00::/8']);
  for (const place of ['127.1', 'localhost', '[::ffff:127.0.0.1]', '[fd00::1]'])
    lab.check(readAuthority(`${place}:443`));
  for (const place of ['10.0.0.1', '[fe80::1]'])
    expect(() => lab.check(readAuthority(`${place}:443`))).toThrow('private');
  expect(() => new PrivateNetworks('all').check(readAuthority('10.0.0.1:443'))).not.toThrow();
  expect(() => new PrivateNetworks(['10.0.0.0/33'])).toThrow('must be addresses or networks');
});

const answer = (...addresses: string[]): LookupAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

function lookUp(networks: PrivateNetworks, all: boolean): Promise<unknown> {
  return new Promise((resolve) => {
    networks.lookup('name.example', { all }, (error, address) => resolve(error === null ? address : error.message));
  });
}

test('of a name, each address is checked, and what was checked is what is handed out', async () => {
  const cases: [string[], boolean][] = [
    [['93.184.216.34'], true],
    [['93.184.216.34', '2606:2800:220:1::1'], true],
    [['10.0.0.1'], false],
    [['93.184.216.34', '10.0.0.1'], false],
    [['::ffff:127.0.0.1'], false],
    [['::1', '93.184.216.34'], false],
  ];
  for (const [addresses, passes] of cases) {
    const networks = new PrivateNetworks([], (_, callback) => callback(null, answer(...addresses)));
    const all = await lookUp(networks, true);
    const one = await lookUp(networks, false);
    expect([all, one]).toEqual(
      passes ? [answer(...addresses), addresses[0]] : Array(2).fill('the target is in a private network'),
    );
  }
});

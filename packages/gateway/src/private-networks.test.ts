import type { LookupAddress } from 'node:dns';
import { expect, test } from 'vitest';
import { readAuthority } from './destination.js';
import { PrivateNetworks } from './private-networks.js';

const guard = new PrivateNetworks([]);

for (const place of [
  'example.com',
  'EXAMPLE.com',
  '93.184.216.34',
  '[2606:2800:220:1::1]',
  'bücher.example',
  '8.8.8.8',
  '172.32.0.1',
]) {
  test(`${place} is not`, () => expect(() => guard.check(readAuthority(`${place}:443`), false)).not.toThrow());
}

test('what is allowed by name of its network passes, in any spelling, and nothing beside it', () => {
  const lab = new PrivateNetworks(['127.0.0.0/8', 'fd00::/8']);
  for (const place of ['127.1', 'localhost', '[::ffff:127.0.0.1]', '[fd00::1]'])
    lab.check(readAuthority(`${place}:443`), false);
  for (const place of ['10.0.0.1', '[fe80::1]'])
    expect(() => lab.check(readAuthority(`${place}:443`), false)).toThrow('private');
  expect(() => new PrivateNetworks('all').check(readAuthority('10.0.0.1:443'), false)).not.toThrow();
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

// The guard as clients meet it: whatever they write, and in whatever way they ask, no proxy hears of a private place.
import { startHttpProxy, startSocksProxy, startTarget, type ProxyServer } from '@fairlead/lab';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openTunnel, startGateway, statusOf, talk, type Started } from './set-up.js';
import { openBySocks, socksAddress, socksName } from './socks-client.js';

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

/** The same places as SOCKS says them: by the bytes of an address. */
const ADDRESSES = ['127.0.0.1', '0.0.0.0', '10.0.0.1', '169.254.169.254', '192.168.1.1', '100.64.0.1', '224.0.0.1'];
const ADDRESSES_6 = ['::', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', 'fe80::1', 'fd12:3456::1'];

let proxy: ProxyServer;
let guarded: Started;
beforeAll(async () => {
  proxy = await startHttpProxy();
});
afterAll(() => proxy.close());

/** With the guard as it is unless somebody opens it. */
async function startGuarded(): Promise<Started> {
  return startGateway([proxy.url], { allowPrivate: [] });
}

/** How a client names a place, and the status it is answered. */
const WAYS: Readonly<Record<string, (place: string) => Promise<number>>> = {
  CONNECT: async (place) => {
    const { socket, head } = await openTunnel(guarded.handle.port, `${place}:443`);
    socket.destroy();
    return statusOf(head);
  },
  'absolute form': async (place) =>
    statusOf(await talk(guarded.handle.port, `GET http://${place}/ HTTP/1.1\r\nHost: ${place}\r\n\r\n`)),
  'absolute form and a port': async (place) =>
    statusOf(await talk(guarded.handle.port, `GET http://${place}:81/ HTTP/1.1\r\nHost: ${place}:81\r\n\r\n`)),
  'X-Fairlead-Target': async (place) =>
    statusOf(
      await talk(
        guarded.handle.port,
        `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Fairlead-Target: https://${place}\r\nConnection: close\r\n\r\n`,
      ),
    ),
};

for (const [way, ask] of Object.entries(WAYS)) {
  test(`no spelling of a private place gets through: ${way}`, async () => {
    guarded = await startGuarded();
    const before = proxy.connections.opened;
    const passed: [string, number][] = [];
    for (const place of SPELLINGS) {
      const status = await ask(place);
      if (status !== 403 && status !== 400) passed.push([place, status]);
    }
    expect(passed).toEqual([]);
    expect(proxy.connections.opened).toBe(before);
    // Most are refused for where they lead, and not because they cannot be read.
    const codes = guarded.log.map(({ code }) => code);
    expect(codes.filter((code) => code === 'PRIVATE_TARGET').length).toBeGreaterThan(50);
  });
}

test('no spelling of a private place gets through: SOCKS5, by name and by address', async () => {
  guarded = await startGuarded();
  const before = proxy.connections.opened;
  const asked = [
    ...SPELLINGS.map((place) => [place, socksName(place)] as const),
    ...[...ADDRESSES, ...ADDRESSES_6].map((place) => [place, socksAddress(place)] as const),
  ];
  const passed: [string, number][] = [];
  for (const [place, wire] of asked) {
    const { socket, reply } = await openBySocks(guarded.handle, wire, 443);
    socket.destroy();
    if (reply !== 2 && reply !== 1) passed.push([place, reply]);
  }
  expect(passed).toEqual([]);
  expect(proxy.connections.opened).toBe(before);
  const codes = guarded.log.map(({ code }) => code);
  expect(codes.filter((code) => code === 'PRIVATE_TARGET').length).toBeGreaterThan(50);
});

test('sixty spellings and more were tried', () => expect(SPELLINGS.length).toBeGreaterThanOrEqual(60));

for (const version of ['socks4', 'socks5'] as const) {
  test(`a name that is resolved here for a ${version} proxy leads into no private network`, async () => {
    const socks = await startSocksProxy({ scheme: version });
    const inside = await startTarget();
    onTestFinished(async () => {
      await Promise.all([socks.close(), inside.close()]);
    });
    const { handle, pool, log } = await startGateway([socks.url, socks.url.replace('127.0.0.1', 'localhost')], {
      allowPrivate: [],
      resolve: (_, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    const { socket, head } = await openTunnel(handle.port, `inside.example:${inside.port}`);
    socket.destroy();
    expect(statusOf(head)).toBe(403);
    const plain = `http://inside.example:${inside.port}`;
    expect(statusOf(await talk(handle.port, `GET ${plain}/ HTTP/1.1\r\nHost: ${new URL(plain).host}\r\n\r\n`))).toBe(
      403,
    );
    expect(inside.requests).toEqual([]);
    // Of two exits one was asked, and none is to blame.
    expect(log).toMatchObject([0, 1].map(() => ({ code: 'PRIVATE_TARGET', attempts: 1 })));
    expect(pool.stats().endpoints.map(({ errors }) => errors)).toEqual([{}, {}]);
  });
}

// What the pool's proxies ask for is between them and the gateway: whatever happens, no client, log or figure shows it.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { prometheus, type PoolEvents } from '@fairlead/core';
import { startFault, startHttpProxy, startSocksProxy, startTarget, type Target } from '@fairlead/lab';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startGateway, talk } from './set-up.js';
import { openBySocks, socksAddress } from './socks-client.js';

const user = 'canary-user';
const password = 'canary p@ss/word:';
const credentials = { user, password };
const others = { user, password: 'of somebody else' };
/** In every spelling that a message could have them in. */
const SPELLINGS = [
  user,
  password,
  encodeURIComponent(password),
  Buffer.from(`${user}:${password}`).toString('base64'),
  Buffer.from(password).toString('base64').replaceAll('=', ''),
];

let target: Target;
beforeAll(async () => {
  target = await startTarget();
});
afterAll(() => target.close());

interface Proxy {
  readonly url: string;
  close(): Promise<void>;
}

/** Repeats what it was told, credentials and all, wherever an answer has room. */
async function startEcho(): Promise<Proxy> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (said) => {
      const login = /^proxy-authorization: (.*)$/im.exec(said.toString('latin1'))?.[1] ?? '';
      const body = `${login} ${Buffer.from(login.replace('Basic ', ''), 'base64').toString()}`;
      socket.end(`HTTP/1.1 502 ${body}\r\nX-Login: ${body}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: async () => void server.close() };
}

const PROXIES: readonly (readonly [name: string, start: () => Promise<Proxy>, status: 200 | 502])[] = [
  ['works', () => startHttpProxy({ credentials }), 200],
  ['works, by SOCKS', () => startSocksProxy({ credentials }), 200],
  ['refuses them', () => startHttpProxy({ credentials: others }), 502],
  ['refuses them, by SOCKS', () => startSocksProxy({ credentials: others }), 502],
  ['is silent', () => startFault('http', 'silent-after-request'), 502],
  ['speaks garbage', () => startFault('http', 'garbage-reply'), 502],
  ['speaks garbage, by SOCKS', () => startFault('socks5', 'garbage-reply'), 502],
  ['repeats them', startEcho, 502],
];

const EVENTS = [
  'leased',
  'settled',
  'cooldown',
  'pool-misconfigured',
  'suspended',
  'removed',
] as const satisfies readonly (keyof PoolEvents)[];

test.each(PROXIES)('credentials for a proxy that %s are shown nowhere', async (_, start, status) => {
  const proxy = await start();
  onTestFinished(() => proxy.close());
  const { protocol, host } = new URL(proxy.url);
  const url = `${protocol}//${user}:${encodeURIComponent(password)}@${host}`;
  const { handle, gateway, pool, log } = await startGateway([url], {
    connectTimeoutMs: 400,
    poolOptions: { policy: 'relay' },
  });
  const shown: unknown[] = [];
  for (const event of EVENTS) pool.on(event, (told) => shown.push(told));

  const place = `127.0.0.1:${target.port}`;
  const tunnelled = await talk(
    handle.port,
    `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\nGET / HTTP/1.0\r\n\r\n`,
  );
  expect(tunnelled).toMatch(status === 200 ? /^HTTP\/1\.1 200/ : /^HTTP\/1\.1 50[234]/);
  const { socket } = await openBySocks(handle, socksAddress('127.0.0.1'), target.port);
  socket.destroy();
  // What a proxy answers in absolute form is for the client, so that one which repeats is not asked.
  const plain = `GET ${target.url}/echo HTTP/1.1\r\nHost: ${place}\r\nConnection: close\r\n\r\n`;
  if (start !== startEcho) shown.push(await talk(handle.port, plain));

  await expect.poll(() => pool.stats().inFlight).toBe(0);
  shown.push(tunnelled, log, gateway.stats(), pool.stats(), prometheus(pool), pool.explain({ target: target.url }));
  for (const text of [inspect(shown, { depth: 12, maxStringLength: null }), JSON.stringify(shown)]) {
    // The proxy itself is named, again and again.
    expect(text.split(host).length).toBeGreaterThan(5);
    for (const spelling of SPELLINGS) expect(text).not.toContain(spelling);
  }
});

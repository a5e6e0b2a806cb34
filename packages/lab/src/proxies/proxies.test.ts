import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { converse, converseTls, hear, openTunnel } from '../net/raw-client.js';
import { startTarget } from '../targets/target.js';
import type { Target } from '../targets/target.js';
import { startHttpProxy } from './http-proxy.js';
import type { ProxyServer } from './proxy-request.js';
import { startSocksProxy } from './socks-proxy.js';

let plain: Target;
let secure: Target;
let open: ProxyServer[] = [];
beforeAll(async () => {
  plain = await startTarget();
  secure = await startTarget({ certificate: 'good' });
});
afterAll(() => Promise.all([plain.close(), secure.close()]));
afterEach(async () => {
  await Promise.all(open.map((proxy) => proxy.close()));
  open = [];
});

async function kept(starting: Promise<ProxyServer>): Promise<ProxyServer> {
  const proxy = await starting;
  open.push(proxy);
  return proxy;
}

const YES = 'HTTP/1.1 200 Connection established\r\n\r\n'.length;
const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: lab.test\r\nConnection: close\r\n\r\n`;
const connectTo = (port: number, host = '127.0.0.1', more = '') => `CONNECT ${host}:${port} HTTP/1.1\r\n${more}\r\n`;
const basic = (pair: string) => `Proxy-Authorization: Basic ${Buffer.from(pair).toString('base64')}\r\n`;
const socks5 = (port: number, words = [5, 1, 0]) =>
  Buffer.from([...words, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]);
const userPassword = (user: string, password: string) => {
  const shown = [1, user.length, ...Buffer.from(user), password.length, ...Buffer.from(password)];
  return [5, 1, 2, ...shown];
};

test('an HTTP proxy tunnels plain and TLS targets, and forwards the absolute form', async () => {
  const proxy = await kept(startHttpProxy());
  const tunnel = await openTunnel(proxy.port, connectTo(plain.port), YES);
  expect((await hear(tunnel, ask('/status/418'))).text).toMatch(/^HTTP\/1.1 418 /);
  const through = await openTunnel(proxy.port, connectTo(secure.port, 'a.lab.test'), YES);
  const heard = await converseTls({ port: 0, through, servername: 'a.lab.test', say: ask('/status/201') });
  expect(heard.text).toMatch(/^HTTP\/1.1 201 /);
  const absolute = await converse({ port: proxy.port, say: ask(`${plain.url}/echo?x=1`) });
  expect(absolute.text).toMatch(/^HTTP\/1.1 200 /);
  expect(plain.requests.at(-1)).toMatchObject({ method: 'GET', path: '/echo?x=1' });
  expect(proxy.requests).toMatchObject([
    { form: 'connect', host: '127.0.0.1', port: plain.port },
    { form: 'connect', host: 'a.lab.test', port: secure.port },
    { form: 'absolute', host: '127.0.0.1', port: plain.port },
  ]);
  await proxy.idle();
});

test('an HTTP proxy with credentials refuses whoever does not show them, and never passes them on', async () => {
  const proxy = await kept(startHttpProxy({ credentials: { user: 'u', password: 'p:q' } }));
  for (const shown of ['', basic('u:wrong')]) {
    const { text } = await converse({ port: proxy.port, say: connectTo(plain.port, '127.0.0.1', shown) });
    expect(text).toMatch(/^HTTP\/1.1 407 [^]*Proxy-Authenticate: Basic/);
  }
  const tunnel = await openTunnel(proxy.port, connectTo(plain.port, '127.0.0.1', basic('u:p:q')), YES);
  expect((await hear(tunnel, ask('/'))).text).toMatch(/^HTTP\/1.1 200 /);
  const say = ask(`${plain.url}/echo`).replace('\r\n\r\n', `\r\n${basic('u:p:q')}\r\n`);
  expect((await converse({ port: proxy.port, say })).text).not.toMatch(/proxy-authorization/i);
  expect(proxy.requests.map(({ credentials }) => credentials?.password)).toEqual([undefined, 'wrong', 'p:q', 'p:q']);
});

test('an HTTPS proxy on IPv6 loopback works', async () => {
  const proxy = await kept(startHttpProxy({ certificate: 'good', host: '::1' }));
  expect(proxy.url).toBe(`https://[::1]:${proxy.port}`);
  const say = ask(`${plain.url}/status/202`);
  const { text } = await converseTls({ host: '::1', port: proxy.port, say, servername: 'localhost' });
  expect(text).toMatch(/^HTTP\/1.1 202 /);
});

test('CONNECT can be refused by port while the absolute form is forwarded', async () => {
  const proxy = await kept(startHttpProxy({ refuseConnect: { status: 405, ports: [plain.port] } }));
  expect((await converse({ port: proxy.port, say: connectTo(plain.port) })).text).toMatch(/^HTTP\/1.1 405 /);
  expect((await converse({ port: proxy.port, say: ask(`${plain.url}/`) })).text).toMatch(/^HTTP\/1.1 200 /);
  const other = await openTunnel(proxy.port, connectTo(secure.port), YES);
  other.destroy();
});

test('a target that refuses is a 502, and SOCKS reply 5', async () => {
  const gone = await startTarget();
  await gone.close();
  const http = await kept(startHttpProxy());
  expect((await converse({ port: http.port, say: connectTo(gone.port) })).text).toMatch(/^HTTP\/1.1 502 /);
  const socks = await kept(startSocksProxy());
  expect((await converse({ port: socks.port, say: socks5(gone.port) })).bytes.subarray(0, 4)).toEqual(
    Buffer.from([5, 0, 5, 5]),
  );
});

test('a SOCKS proxy speaks 4, 4A and 5, with addresses of each kind', async () => {
  const proxy = await kept(startSocksProxy());
  const { port } = plain;
  const at = [port >> 8, port & 255];
  const name = [...Buffer.from('a.lab.test')];
  const openings: [number, number[]][] = [
    [8, [4, 1, ...at, 127, 0, 0, 1, 0x75, 0]],
    [8, [4, 1, ...at, 0, 0, 0, 1, 0x75, 0, ...name, 0]],
    [12, [...socks5(port)]],
    [12, [5, 1, 0, 5, 1, 0, 3, name.length, ...name, ...at]],
  ];
  for (const [size, say] of openings) {
    const tunnel = await openTunnel(proxy.port, Buffer.from(say), size);
    expect((await hear(tunnel, ask('/status/203'))).text).toMatch(/^HTTP\/1.1 203 /);
  }
  const far = await startTarget({ host: '::1' });
  const six = [5, 1, 0, 5, 1, 0, 4, ...Array<number>(15).fill(0), 1, far.port >> 8, far.port & 255];
  const tunnel = await openTunnel(proxy.port, Buffer.from(six), 12);
  expect((await hear(tunnel, ask('/'))).text).toMatch(/^HTTP\/1.1 200 /);
  await far.close();
  expect(proxy.requests.map(({ form, host }) => `${form} ${host}`)).toEqual([
    'socks4 127.0.0.1',
    'socks4a a.lab.test',
    'socks5 127.0.0.1',
    'socks5 a.lab.test',
    'socks5 ::1',
  ]);
  await proxy.idle();
});

test('a SOCKS proxy with credentials refuses whoever does not show them', async () => {
  const proxy = await kept(startSocksProxy({ credentials: { user: 'u', password: 'p' } }));
  expect((await converse({ port: proxy.port, say: Buffer.from([5, 1, 0]) })).bytes).toEqual(Buffer.from([5, 255]));
  const wrong = Buffer.from(userPassword('u', 'x'));
  expect((await converse({ port: proxy.port, say: wrong })).bytes).toEqual(Buffer.from([5, 2, 1, 1]));
  const tunnel = await openTunnel(proxy.port, socks5(plain.port, userPassword('u', 'p')), 14);
  expect((await hear(tunnel, ask('/'))).text).toMatch(/^HTTP\/1.1 200 /);
});

test.runIf(process.platform === 'linux')('each tunnel can leave from an exit of its own', async () => {
  for (const start of [startHttpProxy, startSocksProxy]) {
    const proxy = await kept(start({ exits: 'each-tunnel' }));
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const http = start === startHttpProxy;
      const say = http ? connectTo(plain.port) : socks5(plain.port);
      const tunnel = await openTunnel(proxy.port, say, http ? YES : 12);
      await hear(tunnel, ask('/'));
      seen.add(plain.requests.at(-1)?.remoteAddress ?? '');
    }
    expect(seen.size).toBe(300);
    expect(seen).toEqual(new Set(proxy.requests.map(({ exit }) => exit)));
  }
});

test.runIf(process.platform === 'linux')('a proxy leaves from the exit it is given', async () => {
  for (const start of [startHttpProxy, startSocksProxy]) {
    const proxy = await kept(start({ exit: '127.78.0.7' }));
    const http = start === startHttpProxy;
    const tunnel = await openTunnel(proxy.port, http ? connectTo(plain.port) : socks5(plain.port), http ? YES : 12);
    expect((await hear(tunnel, ask('/echo'))).text).toContain('"remoteAddress":"127.78.0.7"');
  }
});

test('a proxy counts the bytes of its clients exactly, inside TLS and out', async () => {
  for (const certificate of [undefined, 'good'] as const) {
    const proxy = await kept(startHttpProxy(certificate ? { certificate } : {}));
    const socket = connect({ host: '127.0.0.1', port: proxy.port });
    const say = connectTo(plain.port) + ask('/bytes/200000');
    if (certificate) await converseTls({ port: 0, through: socket, servername: 'localhost', say });
    else await hear(socket, say);
    await proxy.idle();
    const [connection] = proxy.connections.each;
    expect(connection).toMatchObject({ bytesIn: socket.bytesWritten, bytesOut: socket.bytesRead, open: false });
    expect(connection?.bytesOut).toBeGreaterThan(200_000);
    expect(proxy.connections).toMatchObject({ bytesIn: socket.bytesWritten, bytesOut: socket.bytesRead, opened: 1 });
    expect(proxy.requests[0]?.connection).toBe(connection);
  }
});

test('a client that vanishes takes its upstream connection along, and close takes everything', async () => {
  const proxy = await kept(startHttpProxy());
  const tunnel = await openTunnel(proxy.port, connectTo(plain.port), YES);
  tunnel.write(ask('/hang'));
  tunnel.destroy();
  await Promise.all([proxy.idle(), plain.idle()]);
  const reset = await openTunnel(proxy.port, connectTo(plain.port), YES);
  reset.write(ask('/slow'));
  await once(reset, 'data');
  reset.resetAndDestroy();
  await Promise.all([proxy.idle(), plain.idle()]);
  const other = await openTunnel(proxy.port, connectTo(plain.port), YES);
  const heard = hear(other, ask('/hang'));
  expect(proxy.connections.open).toBe(1);
  await proxy.close();
  await heard;
  await plain.idle();
});

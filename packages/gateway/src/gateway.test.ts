import { once } from 'node:events';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import { createPool, toEndpoint, type Pool } from '@fairlead/core';
import { dial } from '@fairlead/dial';
import { startFault, startHttpProxy, startSocksProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AccessRecord } from './access-log.js';
import { createGateway, type Gateway, type GatewayHandle } from './gateway.js';
import type { GatewayOptions } from './options.js';

let target: Target;
let proxy: ProxyServer;
beforeAll(async () => {
  target = await startTarget();
  proxy = await startHttpProxy();
});
afterAll(() => Promise.all([target.close(), proxy.close()]));

const opened: { handle: GatewayHandle; pool: Pool }[] = [];
afterEach(async () => {
  for (const { handle, pool } of opened.splice(0)) {
    await handle.close();
    await pool.close();
  }
});

interface Started {
  readonly gateway: Gateway;
  readonly handle: GatewayHandle;
  readonly pool: Pool;
  readonly log: AccessRecord[];
}

async function start(
  proxies: readonly string[] = [proxy.url],
  options: Partial<GatewayOptions> = {},
): Promise<Started> {
  const pool = createPool({ proxies, policy: { abandon: false } });
  const log: AccessRecord[] = [];
  const gateway = createGateway({
    pool,
    ports: 'all',
    allowPrivate: ['127.0.0.0/8'],
    drainMs: 200,
    onAccess: (record) => log.push(record),
    ...options,
  });
  const handle = await gateway.listen();
  opened.push({ handle, pool });
  return { gateway, handle, pool, log };
}

async function talk(port: number, say: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (heard += chunk));
  socket.write(say);
  await once(socket, 'close');
  return heard;
}

async function tunnel(port: number, authority: string, headers = ''): Promise<{ socket: Socket; head: string }> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${headers}\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  return { socket, head: head.toString('latin1') };
}

const basic = (user: string, password: string): string =>
  `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`;

async function get(handle: GatewayHandle, path: string, options: http.RequestOptions = {}) {
  const headers = { Host: new URL(target.url).host };
  const way = { host: handle.host, port: handle.port, path: `${target.url}${path}` };
  const request = http.request({ headers, ...way, ...options });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { response, status: response.statusCode, body: Buffer.concat(chunks).toString() };
}

const authority = (): string => `127.0.0.1:${target.port}`;

test('a tunnel stands and carries bytes both ways', async () => {
  const { handle, log } = await start();
  const { socket, head } = await tunnel(handle.port, authority());
  expect(head).toBe('HTTP/1.1 200 Connection established\r\n\r\n');
  socket.write('GET /bytes/100000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let size = 0;
  socket.on('data', (chunk: Buffer) => (size += chunk.length));
  await once(socket, 'close');
  expect(size).toBeGreaterThan(100_000);
  await expect.poll(() => log.length).toBe(1);
  expect(log).toMatchObject([{ kind: 'connect', status: 200, attempts: 1, target: authority(), received: size }]);
});

test('a plain request is streamed through and its many cookies survive', async () => {
  const { handle, log } = await start();
  const { status, response } = await get(handle, '/cookies?a=1&b=2&c=3');
  expect(status).toBe(200);
  expect(response.headers['set-cookie']).toHaveLength(3);
  expect(log).toMatchObject([{ kind: 'plain', status: 200, attempts: 1 }]);
});

test('dead proxies are passed over before the client hears anything', async () => {
  const dead = await Promise.all([
    startFault('http', 'refuse-tcp'),
    startFault('http', 'close-after-request'),
    startFault('socks5', 'reply-1'),
    startFault('http', 'status-502'),
  ]);
  const { handle, log } = await start([...dead.map(({ url }) => url), proxy.url]);
  for (let index = 0; index < 10; index += 1) {
    const { socket, head } = await tunnel(handle.port, authority());
    expect(head).toMatch(/^HTTP\/1.1 200/);
    socket.destroy();
    await once(socket, 'close');
    expect((await get(handle, '/')).status).toBe(200);
  }
  expect(log.every(({ status }) => status === 200)).toBe(true);
  await Promise.all(dead.map((server) => server.close()));
});

test('SOCKS proxies carry tunnels and requests alike', async () => {
  const socks = await startSocksProxy({ credentials: { user: 'u', password: 'p' } });
  const { handle } = await start([socks.url]);
  const { socket, head } = await tunnel(handle.port, authority());
  expect(head).toMatch(/^HTTP\/1.1 200/);
  socket.destroy();
  expect((await get(handle, '/echo')).status).toBe(200);
  await socks.close();
});

test('bytes that came right behind CONNECT reach the target', async () => {
  const { handle } = await start();
  const heard = await talk(
    handle.port,
    `CONNECT ${authority()} HTTP/1.1\r\nHost: ${authority()}\r\n\r\nGET /status/418 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );
  expect(heard).toMatch(/^HTTP\/1.1 200 [^]*HTTP\/1.1 418/);
});

test('a gateway without accounts does not open to others', async () => {
  const pool = createPool();
  await expect(createGateway({ pool }).listen({ host: '0.0.0.0' })).rejects.toThrow('needs users or keys');
  await expect(createGateway({ pool, users: { a: 'b' }, anonymous: true }).listen({ host: '::' })).rejects.toThrow();
});

test('users, keys and tickets come in, others do not', async () => {
  const key = 'a-key-of-some-length';
  const { handle, gateway } = await start([proxy.url], { users: { ann: 'secret' }, keys: [key] });
  const ticket = gateway.tickets.mint();
  const answers = [];
  for (const login of [
    basic('ann', 'secret'),
    basic('ann-session-1-tag-x', 'wrong'),
    basic('ann-session-1', 'secret'),
    basic('session-1', key),
    `Proxy-Authorization: Bearer ${key}\r\n`,
    basic(ticket.username, ticket.password),
    basic(ticket.username, 'wrong'),
    basic('bob', 'secret'),
    '',
  ]) {
    const { socket, head } = await tunnel(handle.port, authority(), login);
    answers.push(Number(head.slice(9, 12)));
    socket.destroy();
  }
  expect(answers).toEqual([200, 407, 200, 200, 200, 200, 407, 407, 407]);
});

test('a ticket takes its exit at the first connection, keeps it, and moves when told', async () => {
  const second = await startHttpProxy();
  const { handle, gateway, pool } = await start([proxy.url, second.url], { anonymous: false });
  const ticket = gateway.tickets.mint({ session: 'cart' });
  const moves: unknown[] = [];
  ticket.onMove((move) => moves.push(move));
  expect(ticket.info).toBeUndefined();
  expect(pool.stats().inFlight).toBe(0);
  const login = basic(ticket.username, ticket.password);
  const tunnels = await Promise.all(Array.from({ length: 5 }, () => tunnel(handle.port, authority(), login)));
  expect(pool.stats().inFlight).toBe(1);
  const first = ticket.info!.endpoint;
  const closed = Promise.all(tunnels.map(({ socket }) => once(socket, 'close')));
  ticket.rotate();
  await closed;
  expect(ticket.info).toBeUndefined();
  await tunnel(handle.port, authority(), login);
  expect(ticket.info!.endpoint).not.toBe(first);
  expect(moves).toEqual([{ from: first, to: ticket.info!.endpoint }]);
  ticket.release();
  await expect.poll(() => pool.stats().inFlight).toBe(0);
  const { head } = await tunnel(handle.port, authority(), login);
  expect(head).toMatch(/^HTTP\/1.1 407/);
  await second.close();
});

test('connections of one user and session share one tenancy while any is open', async () => {
  const { handle, pool } = await start();
  const login = basic('session-cart42', '');
  const tunnels = [];
  for (let index = 0; index < 3; index += 1) tunnels.push(await tunnel(handle.port, authority(), login));
  expect(pool.stats().inFlight).toBe(1);
  expect(pool.sessions.lookup('cart42')).toBeDefined();
  for (const { socket } of tunnels) socket.destroy();
  await expect.poll(() => pool.stats().inFlight).toBe(0);
});

test('SOCKS5 clients get the same tunnels, by name and by password', async () => {
  const pool = createPool({ proxies: [proxy.url] });
  const gateway = createGateway({ pool, ports: 'all', allowPrivate: 'all', users: { ann: 'secret' }, drainMs: 100 });
  const handle = await gateway.listen({ socksPort: 0 });
  opened.push({ handle, pool });
  const { port } = new URL(handle.socksUrl!);
  const door = (password: string) => {
    const url = handle.socksUrl!.replace('://', `://ann-session-1:${password}@`);
    return dial(toEndpoint(url, 'the gateway'), { host: 'lab.test', port: target.port });
  };
  const socket = await door('secret');
  socket.write('GET /status/418 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const [head] = (await once(socket, 'data')) as [Buffer];
  expect(head.toString()).toMatch(/^HTTP\/1.1 418/);
  expect(pool.sessions.lookup('ann/1')).toBeDefined();
  socket.destroy();
  await expect(door('wrong')).rejects.toMatchObject({ code: 'PROXY_AUTH' });
  const nameless = connect(Number(port), '127.0.0.1');
  nameless.write(Buffer.from([5, 1, 0]));
  expect(await once(nameless, 'data')).toEqual([Buffer.from([5, 255])]);
  nameless.destroy();
});

test('while a report is due, a tunnel that carried bytes is no success; what is reported counts in its stead', async () => {
  const { handle, gateway, pool } = await start([proxy.url], { anonymous: false, reportDueMs: 150 });
  const ticket = gateway.tickets.mint({ reports: true });
  const visit = async () => {
    const { socket } = await tunnel(handle.port, authority(), basic(ticket.username, ticket.password));
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await once(socket.resume(), 'close');
    await expect.poll(() => ticket.connections).toBe(0);
  };
  await visit();
  expect(pool.stats().attempts).toBe(0);
  ticket.report({ kind: 'response', status: 403, latencyMs: 5 }, target.url);
  expect(pool.stats()).toMatchObject({ attempts: 1, succeeded: 0 });
  await visit();
  expect(pool.stats().attempts).toBe(1);
  // Nobody reported: then bytes are all there is to go by.
  await expect.poll(() => pool.stats().succeeded).toBe(1);
  ticket.release();
});

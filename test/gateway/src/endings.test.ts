// How connections, bodies and the gateway itself come to an end.
import { once } from 'node:events';
import http from 'node:http';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { createPool } from '@fairlead/core';
import { createGateway } from '@fairlead/gateway';
import { startHttpProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ask, exchange, openTunnel, startGateway, statusOf, talk } from './set-up.js';
import { openBySocks, socksAddress } from './socks-client.js';

let target: Target;
let proxy: ProxyServer;
beforeAll(async () => {
  [target, proxy] = await Promise.all([startTarget(), startHttpProxy()]);
});
afterAll(() => Promise.all([target.close(), proxy.close()]));

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('a target that is slow to read is not held against its client', async () => {
  const release = { go: (): void => undefined };
  const server = http.createServer((request, response) => {
    let size = 0;
    request.pause();
    release.go = () =>
      void request
        .on('data', (chunk: Buffer) => (size += chunk.length))
        .on('end', () => response.end(String(size)))
        .resume();
  });
  const port = await listen(server);
  const { handle, log } = await startGateway([proxy.url], { bodyIdleMs: 200 });
  // An exit of which nothing is known carries one at a time.
  expect((await ask(handle, target.url)).status).toBe(200);
  const body = Buffer.alloc(48 * 2 ** 20, 'x');
  const host = `127.0.0.1:${port}`;
  const way = { host: handle.host, port: handle.port, path: `http://${host}/`, method: 'POST' };
  const sent = http.request({ ...way, agent: false, headers: { Host: host, 'Content-Length': body.length } });
  const answered = once(sent, 'response') as Promise<[http.IncomingMessage]>;
  sent.end(body);
  // Others stop in mid-body and are given up, one after another: so long the target reads nothing.
  const silent = `POST ${target.url}/echo HTTP/1.1\r\nHost: ${new URL(target.url).host}\r\nContent-Length: 5\r\n\r\nab`;
  for (let index = 0; index < 5; index += 1) expect(statusOf(await talk(handle.port, silent))).toBe(408);
  expect(log.map(({ sent: bytes }) => bytes)).toEqual([0, 2, 2, 2, 2, 2]);
  release.go();
  const [response] = await answered;
  expect(response.statusCode).toBe(200);
  response.resume();
  await once(response, 'end');
  await expect.poll(() => log.at(-1)).toMatchObject({ status: 200, sent: body.length });
});

test('listening that fails half-way leaves nothing behind, and may be tried again', async () => {
  const taken = await listen(createServer());
  const pool = createPool({ proxies: [proxy.url] });
  const gateway = createGateway({ pool, drainMs: 0 });
  const free = await listen(createServer());
  await expect(gateway.listen({ port: free, socksPort: taken })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await expect(gateway.listen({ port: 0, socksPort: taken })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const handle = await gateway.listen({ socksPort: 0 });
  expect((await exchange({ host: handle.host, port: handle.port, path: '/' })).status).toBe(400);
  await handle.close();
  const unused = createGateway({ pool });
  await unused.close();
  await expect(unused.listen()).rejects.toThrow('closed');
  await pool.close();
});

test('while it drains nothing new begins, for clients that were connected before, too', async () => {
  const { handle, gateway, log } = await startGateway([proxy.url], { drainMs: 60_000 });
  const authority = `127.0.0.1:${target.port}`;
  const held = await openTunnel(handle.port, authority);
  const [one, socks] = [
    connect(handle.port, '127.0.0.1'),
    connect(Number(new URL(handle.socksUrl!).port), '127.0.0.1'),
  ];
  await Promise.all([once(one, 'connect'), once(socks, 'connect')]);
  await expect.poll(() => gateway.stats().connections).toBe(3);
  // As a connection that has said a part of its request: an idle one would be closed.
  one.write(`CONNECT ${authority} HTTP/1.1\r\n`);
  socks.write(Buffer.from([5, 1, 0]));
  expect((await once(socks, 'data'))[0]).toEqual(Buffer.from([5, 0]));
  const closed = handle.close();
  one.write(`Host: ${authority}\r\n\r\n`);
  expect(statusOf(String((await once(one, 'data'))[0]))).toBe(503);
  socks.write(
    Buffer.concat([
      Buffer.from([5, 1, 0]),
      socksAddress('127.0.0.1'),
      Buffer.from([target.port >> 8, target.port & 255]),
    ]),
  );
  expect(((await once(socks, 'data'))[0] as Buffer)[1]).toBe(1);
  held.socket.destroy();
  await closed;
  expect(log.filter(({ code }) => code === 'DRAINING')).toHaveLength(2);
});

test('what is refused before it is read is in the log and in the totals', async () => {
  const { handle, gateway, log } = await startGateway([proxy.url], { headerTimeoutMs: 200 });
  const { host } = new URL(target.url);
  await talk(handle.port, `GET ${target.url}/ HTTP/1.1\r\nHost: ${host}`);
  await talk(handle.port, 'nonsense\r\n\r\n');
  await talk(handle.port, `GET ${target.url}/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  expect(log.map(({ status, code }) => `${status} ${code!}`)).toEqual([
    '408 HEADER_TIMEOUT',
    '400 BAD_REQUEST',
    '431 HEADER_TOO_LARGE',
  ]);
  expect(gateway.stats()).toMatchObject({ total: 3, failed: 3, open: 0 });
  const full = await startGateway([proxy.url], { maxConnections: 1 });
  const first = connect(full.handle.port, '127.0.0.1');
  await once(first, 'connect');
  await expect.poll(() => full.gateway.stats().connections).toBe(1);
  await talk(full.handle.port, '');
  first.destroy();
  expect(full.log).toMatchObject([{ status: 503, code: 'TOO_MANY_CONNECTIONS' }]);
});

test('over SOCKS a ticket hears of what was refused, as over CONNECT', async () => {
  const { handle, gateway } = await startGateway([proxy.url], { ports: [443], anonymous: false });
  const ticket = gateway.tickets.mint();
  const heard: string[] = [];
  ticket.onRefused(({ code, host }) => heard.push(`${code} ${host!}`));
  const login = [ticket.username, ticket.password] as const;
  expect((await openBySocks(handle, socksAddress('127.0.0.1'), 25, login)).reply).toBe(2);
  expect(heard).toEqual(['PORT_REFUSED 127.0.0.1:25']);
  expect((await ask(handle, `${target.url}/`)).status).toBe(407);
});

test('a client that still sends when the target has answered and left reads all of it', async () => {
  const answer = Buffer.alloc(60_000, 'a');
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(answer));
  });
  const port = await listen(server);
  const { handle } = await startGateway([proxy.url]);
  const send = async (): Promise<unknown> => {
    const { socket } = await openTunnel(handle.port, `127.0.0.1:${port}`);
    let heard = 0;
    const ended = new Promise<unknown>((resolve) => {
      socket.on('data', (chunk) => (heard += chunk.length));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)).on('end', () => resolve(heard));
    });
    const more = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(16_384, 'b')));
    };
    socket.on('drain', more);
    more();
    const seen = await ended;
    socket.destroy();
    return seen;
  };
  const seen = await Promise.all(Array.from({ length: 20 }, send));
  expect(seen).toEqual(Array.from({ length: 20 }, () => answer.length));
});

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { toEndpoint } from '@fairlead/core';
import { dial } from '@fairlead/dial';
import { afterEach, expect, test } from 'vitest';

/** Proxies that mean harm. Each is what it does with a client; none of them ever opens a tunnel. */
const HOSTILE: Record<string, (socket: Socket) => void> = {
  'an endless head': (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n', `X-Pad: ${'x'.repeat(1000)}\r\n`),
  'one endless header line': (socket) => flood(socket, 'HTTP/1.1 200 OK\r\nX: ', 'x'.repeat(1000)),
  'an endless status line': (socket) => flood(socket, 'HTTP/1.1 200 ', 'x'.repeat(1000)),
  'an endless row of interim replies': (socket) => flood(socket, '', 'HTTP/1.1 100 Continue\r\n\r\n'),
  'an endless body on a refusal': (socket) => flood(socket, 'HTTP/1.1 503 No\r\n\r\n', 'x'.repeat(1000)),
  'an endless run of empty lines': (socket) => flood(socket, '', '\r\n'.repeat(500)),
  'one byte every 100 ms': (socket) => drip(socket, `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(10_000)}`),
  'bytes before the 200': (socket) => flood(socket, 'x', 'HTTP/1.1 200 OK\r\n\r\n'),
  'a chunked 407 without an end': (socket) =>
    flood(socket, 'HTTP/1.1 407 Who\r\nTransfer-Encoding: chunked\r\n\r\n', `3e8\r\n${'x'.repeat(1000)}\r\n`),
  'two contradicting lengths on a 403': (socket) =>
    flood(socket, 'HTTP/1.1 403 No\r\nContent-Length: 5\r\nContent-Length: 999999999\r\n\r\n', 'x'.repeat(1000)),
  'SOCKS: an endless reply': (socket) => flood(socket, '\u0005\0\u0005\0\0\u0009', 'x'.repeat(1000)),
  'SOCKS: a bound name that drips': (socket) => drip(socket, `\u0005\0\u0005\0\0\u0003\xff${'x'.repeat(1000)}`),
};

/** The others do not speak their protocol. */
const VERDICTS: Record<string, string> = {
  'an endless body on a refusal': 'PROXY_TUNNEL',
  'an endless run of empty lines': 'PROXY_TIMEOUT',
  'one byte every 100 ms': 'PROXY_TIMEOUT',
  'a chunked 407 without an end': 'PROXY_AUTH',
  'SOCKS: a bound name that drips': 'PROXY_TIMEOUT',
};

const DEADLINE_MS = 500;
const AT_ONCE = 8;
const MEGABYTE = 1024 * 1024;

const servers: { server: Server; sockets: Set<Socket> }[] = [];
afterEach(() => {
  for (const { server, sockets } of servers.splice(0)) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});

test.each(Object.keys(HOSTILE))('%s: the dial ends by its deadline, holds no socket and no memory', async (name) => {
  const { port, sockets } = await listening(HOSTILE[name]!);
  const scheme = name.startsWith('SOCKS') ? 'socks5h' : 'http';
  const endpoint = toEndpoint(`${scheme}://user:secret@127.0.0.1:${port}`, 'the test');
  const attempt = () =>
    dial(endpoint, { host: 'x.test', port: 443, timeoutMs: DEADLINE_MS }).then(spoil, (error: unknown) => error);
  // Code that runs for the first time takes memory of its own.
  await attempt();
  const before = memory();
  let most = 0;
  // While the floods are on: what is held then is let go of in the end.
  const sampling = setInterval(() => (most = Math.max(most, memory())), DEADLINE_MS / 10);
  const results = await Promise.all(Array.from({ length: AT_ONCE }, attempt));
  clearInterval(sampling);
  for (const error of results)
    expect(error).toMatchObject({ name: 'DialError', code: VERDICTS[name] ?? 'PROXY_PROTOCOL' });
  expect(most - before).toBeLessThan(20 * MEGABYTE);
  while (sockets.size > 0) await new Promise(setImmediate);
  expect(memory() - before).toBeLessThan(20 * MEGABYTE);
});

test('a 200 before we asked ends the dial: it is refused, or taken for a very quick answer', async () => {
  const { port, sockets } = await listening((socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  const endpoint = toEndpoint(`http://127.0.0.1:${port}`, 'the test');
  await dial(endpoint, { host: 'x.test', port: 443, timeoutMs: DEADLINE_MS }).then(
    (socket) => socket.destroy(),
    (error: unknown) => expect(error).toMatchObject({ code: 'PROXY_PROTOCOL', fault: 'endpoint' }),
  );
  while (sockets.size > 0) await new Promise(setImmediate);
});

test('a reply split at every byte boundary is read as one', async () => {
  const reply = 'HTTP/1.1 200 Connection established\r\nX-A: b\r\n\r\nfirst';
  for (let cut = 1; cut < reply.length; cut += 1) {
    const { port } = await listening((socket) => {
      socket.once('data', () => {
        socket.write(reply.slice(0, cut), () => setImmediate(() => socket.write(reply.slice(cut))));
      });
    });
    const socket = await dial(toEndpoint(`http://127.0.0.1:${port}`, 'the test'), { host: 'x.test', port: 443 });
    let early = '';
    while (early.length < 5) early += ((await once(socket, 'data')) as [Buffer])[0].toString();
    expect(early).toBe('first');
    socket.destroy();
  }
});

function spoil(socket: Socket): never {
  socket.destroy();
  throw new Error('the dialer took that for a tunnel');
}

/** The heap after a full collection, and the buffers outside of it. */
function memory(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function listening(serve: (socket: Socket) => void): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).resume();
    socket.once('close', () => sockets.delete(socket));
    serve(socket);
  });
  servers.push({ server, sockets });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** As fast as the client reads, with turns of the loop for the client: it runs in this very process. */
function flood(socket: Socket, lead: string, forever: string): void {
  socket.once('data', () => {
    socket.write(lead, 'latin1');
    const pour = () => {
      if (socket.destroyed) return;
      if (socket.write(forever)) setImmediate(pour);
      else socket.once('drain', pour);
    };
    pour();
  });
}

function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text.slice(at, (at += 1)), 'latin1'), 100);
  socket.once('close', () => clearInterval(timer));
}

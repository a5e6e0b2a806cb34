// Requests that go without a proxy by rule: nobody retries for them, so that they have to be right by themselves.
import { once } from 'node:events';
import http from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { startTarget } from '@fairlead/lab';
import { expect, onTestFinished, test } from 'vitest';
import { ask, startGateway } from './set-up.js';

/** A target that hears bytes. */
async function serve(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const DIRECT = { direct: ['127.0.0.1'] };

test('a target that closes used connections loses no request, and is sent no POST over one', async () => {
  const seen: string[] = [];
  const url = await serve((socket) => {
    let heard = 0;
    socket.on('data', (chunk) => {
      seen.push(`${heard === 0 ? 'fresh' : 'used'} ${chunk.toString('latin1').split(' ')[0]!}`);
      heard += 1;
      if (heard === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else socket.destroy();
    });
  });
  const { handle, log } = await startGateway([], DIRECT);
  for (let index = 0; index < 4; index += 1) expect((await ask(handle, url)).status).toBe(200);
  expect(seen).toContain('used GET');
  seen.length = 0;
  for (let index = 0; index < 4; index += 1) {
    expect((await ask(handle, url)).status).toBe(200);
    expect((await ask(handle, url, { method: 'POST' })).status).toBe(200);
  }
  expect(seen).not.toContain('used POST');
  expect(log.map(({ status }) => status)).toEqual(Array(12).fill(200));
});

test('a target that says nothing is given up in the time that a client is told: 504, and the log says so', async () => {
  const url = await serve(() => undefined);
  const { handle, log } = await startGateway([], { ...DIRECT, connectTimeoutMs: 300 });
  expect((await ask(handle, url)).status).toBe(504);
  expect(log).toMatchObject([{ status: 504, code: 'TARGET_TIMEOUT', proxy: 'direct', attempts: 1 }]);
});

test('a body that keeps coming has its time', async () => {
  const target = await startTarget();
  onTestFinished(() => target.close());
  const { handle } = await startGateway([], { ...DIRECT, connectTimeoutMs: 300 });
  const { host } = new URL(target.url);
  const way = {
    host: handle.host,
    port: handle.port,
    path: `${target.url}/echo`,
    method: 'POST',
    headers: { Host: host },
  };
  const request = http.request({ agent: false, ...way });
  const answered = once(request, 'response') as Promise<[http.IncomingMessage]>;
  const more = setInterval(() => request.write('x'), 50);
  // A target that says nothing is given up twice meanwhile.
  const mute = await serve(() => undefined);
  for (let index = 0; index < 2; index += 1) expect((await ask(handle, mute)).status).toBe(504);
  clearInterval(more);
  request.end();
  expect((await answered)[0].statusCode).toBe(200);
});

test('nothing that moves for too long is told as that, and not as a client that left', async () => {
  const url = await serve((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf'));
  });
  const mute = await serve(() => undefined);
  const { handle, log } = await startGateway([], { ...DIRECT, idleMs: 300 });
  await expect(ask(handle, url)).rejects.toThrow();
  expect((await ask(handle, mute)).status).toBe(504);
  expect(log.map(({ code, status }) => [code, status])).toEqual([
    ['IDLE', 504],
    ['IDLE', 504],
  ]);
});

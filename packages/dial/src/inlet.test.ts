import { once } from 'node:events';
import type { Socket } from 'node:net';
import { toEndpoint } from '@fairlead/core';
import {
  certificates,
  startHttpProxy,
  startSocksProxy,
  startTarget,
  type ProxyServer,
  type Target,
} from '@fairlead/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dial } from './dial.js';
import { Inlet } from './inlet.js';
import { createTraffic, type Traffic } from './traffic.js';

let target: Target;
let proxies: Record<'http' | 'socks5', ProxyServer>;
beforeAll(async () => {
  target = await startTarget();
  proxies = { http: await startHttpProxy(), socks5: await startSocksProxy() };
});
afterAll(() => Promise.all([target, ...Object.values(proxies)].map((server) => server.close())));

async function opened(url: string, inlet: Inlet, traffic?: Traffic): Promise<Socket> {
  const { ca } = certificates();
  return dial(toEndpoint(url, 'p'), { host: '127.0.0.1', port: target.port, inlet, ca, ...(traffic && { traffic }) });
}

// Bytes that are counted are dialled for by the stream, as through SOCKS.
for (const [kind, traffic] of [['http'], ['http', createTraffic()], ['socks5']] as const) {
  test(`every byte comes in order past the stream, through ${kind}${traffic ? ', counted' : ''}`, async () => {
    const inlet = new Inlet();
    const socket = await opened(proxies[kind].url, inlet, traffic);
    const chunks: Buffer[] = [];
    inlet.openTo((chunk) => {
      chunks.push(Buffer.from(chunk));
      inlet.release(chunk);
      return true;
    });
    socket.write('GET /bytes/1000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await once(socket, 'end');
    const answer = Buffer.concat(chunks);
    expect(inlet.attached).toBe(true);
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(1_000_000);
    expect(answer.subarray(-1_000_000).every((byte) => byte === 0)).toBe(true);
    if (traffic) expect(traffic.total().received).toBeGreaterThan(1_000_000);
    socket.destroy();
  });
}

test('a sink that answers false is handed no more until the socket is resumed', async () => {
  const inlet = new Inlet();
  const socket = await opened(proxies.http.url, inlet);
  let size = 0;
  let held = false;
  const ended = once(socket, 'end');
  inlet.openTo((chunk) => {
    expect(held).toBe(false);
    size += chunk.length;
    inlet.release(chunk);
    held = true;
    setImmediate(() => {
      held = false;
      socket.resume();
    });
    return false;
  });
  socket.write('GET /bytes/300000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await ended;
  expect(size).toBeGreaterThan(300_000);
  socket.destroy();
});

test('what came with the answer to CONNECT is handed over first', async () => {
  const inlet = new Inlet();
  const socket = await opened(proxies.http.url, inlet);
  socket.unshift(Buffer.from('early '));
  const seen: string[] = [];
  const answered = new Promise<void>((resolve) => {
    inlet.openTo((chunk) => {
      seen.push(chunk.toString('latin1', 0, 8));
      if (seen.length === 2) resolve();
      return true;
    });
  });
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await answered;
  expect(seen).toEqual(['early ', 'HTTP/1.1']);
  socket.destroy();
});

test('a connection over TLS to the proxy goes by the stream as ever', async () => {
  const proxy = await startHttpProxy({ certificate: 'good' });
  const inlet = new Inlet();
  const socket = await opened(proxy.url, inlet);
  expect(inlet.attached).toBe(false);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  expect(chunk.toString('latin1')).toMatch(/^HTTP\/1.1 200/);
  socket.destroy();
  await proxy.close();
});

test('memory that it did not make is never read into, whatever its size', () => {
  const inlet = new Inlet();
  inlet.hear(() => true);
  // Node 24 keeps what small buffers share in slabs of just the size of a large read.
  for (const size of [4_096, 65_536]) {
    const slab = Buffer.allocUnsafeSlow(size);
    for (let turn = 0; turn < 300; turn += 1) inlet.release(slab.subarray(8, 16));
    for (let turn = 0; turn < 300; turn += 1) {
      const next = inlet.onread.buffer();
      expect(next.buffer === slab.buffer).toBe(false);
      // A full buffer asks for larger ones.
      inlet.onread.callback(next.length, next);
    }
  }
});

// What other gateways of this kind have been seen to do wrong, each by its name. Those that are about framing, limits and
// clients are in the files of those names.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { startFault, startHttpProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ask, openTunnel, startGateway, statusOf } from './set-up.js';

let target: Target;
let proxy: ProxyServer;
beforeAll(async () => {
  target = await startTarget();
  proxy = await startHttpProxy();
});
afterAll(() => Promise.all([target.close(), proxy.close()]));

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test("bytes right behind the upstream's 200 reach the client", async () => {
  const eager = createServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nearly'));
    socket.on('error', () => undefined);
  });
  const { handle } = await startGateway([`http://127.0.0.1:${await listen(eager)}`]);
  const { socket, head } = await openTunnel(handle.port, 'shop.lab.test:443');
  const rest = head.endsWith('early') ? '' : String((await once(socket, 'data'))[0]);
  expect(head + rest).toBe('HTTP/1.1 200 Connection established\r\n\r\nearly');
  socket.destroy();
});

test('an IPv6 authority is one: in CONNECT and in a URL', async () => {
  const six = await startTarget({ host: '::1' });
  const through = await startHttpProxy();
  const { handle } = await startGateway([through.url], { allowPrivate: ['::1', '127.0.0.0/8'] });
  expect(statusOf((await openTunnel(handle.port, `[::1]:${six.port}`)).head)).toBe(200);
  expect((await ask(handle, `${six.url}/status/203`)).status).toBe(203);
  await Promise.all([six.close(), through.close()]);
});

test('the latency of a tunnel is that of its handshake, however long it lives', async () => {
  const { handle, pool, log } = await startGateway([proxy.url]);
  const { socket } = await openTunnel(handle.port, `127.0.0.1:${target.port}`);
  socket.write('GET /slow?every=10 HTTP/1.1\r\nHost: a\r\n\r\n');
  const lived = performance.now();
  await new Promise<void>((resolve) => socket.on('data', () => performance.now() - lived > 700 && resolve()));
  socket.destroy();
  await expect.poll(() => log.length).toBe(1);
  expect(log[0]!.durationMs).toBeGreaterThan(700);
  expect(log[0]!.latencyMs).toBeLessThan(log[0]!.durationMs / 2);
  expect(pool.stats().endpoints[0]!.latencyP50).toBeLessThan(log[0]!.durationMs / 2);
});

test('an abort by the client blames nobody, whenever it comes', async () => {
  const mute = await startFault('http', 'silent-after-request');
  const { handle, pool, log } = await startGateway([mute.url]);
  for (let index = 0; index < 5; index += 1) {
    const client = connect(handle.port, '127.0.0.1');
    client.write('CONNECT shop.lab.test:443 HTTP/1.1\r\nHost: shop.lab.test:443\r\n\r\n');
    await expect.poll(() => mute.requests.length).toBe(index + 1);
    client.destroy();
    await expect.poll(() => log.length).toBe(index + 1);
  }
  expect(log.every(({ code }) => code === 'ABORTED')).toBe(true);
  expect(pool.stats()).toMatchObject({ inFlight: 0, endpoints: [{ errors: {} }] });
  await mute.close();
});

test('retries exclude what was tried: with one good upstream of six, none is lost and none is asked twice', async () => {
  // A gateway error is nobody's fault for certain, so that the proxy is not set aside for it.
  const dead = await Promise.all(Array.from({ length: 5 }, () => startFault('http', 'status-502')));
  for (let index = 0; index < 10; index += 1) {
    const before = dead.map(({ requests }) => requests.length);
    const { handle } = await startGateway([...dead.map(({ url }) => url), proxy.url]);
    const { socket, head } = await openTunnel(handle.port, `127.0.0.1:${target.port}`);
    expect(statusOf(head)).toBe(200);
    socket.destroy();
    expect(Math.max(...dead.map(({ requests }, at) => requests.length - before[at]!))).toBeLessThanOrEqual(1);
  }
  await Promise.all(dead.map((server) => server.close()));
});

test('404, 304, 204 and HEAD are answers: one attempt, delivered as they are', async () => {
  const { handle, pool, log } = await startGateway([proxy.url]);
  for (const status of [404, 304, 204])
    expect((await ask(handle, `${target.url}/status/${status}`)).status).toBe(status);
  expect((await ask(handle, `${target.url}/status/200`, { method: 'HEAD' })).status).toBe(200);
  expect(log.every(({ attempts }) => attempts === 1)).toBe(true);
  expect(pool.stats().endpoints[0]!.succeeded).toBe(4);
});

test('a pool that is full keeps nobody waiting without a bound', async () => {
  const mute = await startFault('http', 'silent-after-request');
  const { handle } = await startGateway([mute.url], {
    connectTimeoutMs: 500,
    poolOptions: { maxWaiting: 2, policy: 'relay' },
  });
  const heads = await Promise.all(Array.from({ length: 8 }, () => openTunnel(handle.port, 'shop.lab.test:443')));
  const statuses = heads.map(({ head }) => statusOf(head));
  expect(statuses.filter((status) => status === 503).length).toBeGreaterThanOrEqual(5);
  await mute.close();
});

test('a tunnel that is opened ahead and not used keeps nobody from an untried exit', async () => {
  const { handle } = await startGateway([proxy.url]);
  const { head } = await openTunnel(handle.port, `127.0.0.1:${target.port}`);
  expect(statusOf(head)).toBe(200);
  expect((await ask(handle, `${target.url}/status/203`)).status).toBe(203);
});

test('the log says how many exits were tried also where none would do', async () => {
  const dead = await Promise.all([startFault('http', 'refuse-tcp'), startFault('http', 'status-502')]);
  const { handle, log } = await startGateway(dead.map(({ url }) => url));
  expect(statusOf((await openTunnel(handle.port, `127.0.0.1:${target.port}`)).head)).toBe(502);
  expect(log).toMatchObject([{ attempts: 2, status: 502 }]);
  await Promise.all(dead.map((server) => server.close()));
});

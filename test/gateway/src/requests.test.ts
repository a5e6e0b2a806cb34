import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { certificates, startFault, startHttpProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ask, basic, exchange, openTunnel, startGateway, statusOf, talk } from './set-up.js';

let target: Target;
let secure: Target;
let proxy: ProxyServer;
let second: ProxyServer;
beforeAll(async () => {
  target = await startTarget();
  secure = await startTarget({ certificate: 'good' });
  [proxy, second] = await Promise.all([startHttpProxy(), startHttpProxy()]);
});
afterAll(() => Promise.all([target, secure, proxy, second].map((server) => server.close())));

/** A target of one test's own. */
async function serve(listener: http.RequestListener): Promise<string> {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const tls = () => ({ ca: certificates().ca });

test('bodies are streamed both ways: the answer begins before the request has ended', async () => {
  const { handle } = await startGateway([proxy.url]);
  const url = await serve((request, response) => request.pipe(response));
  const way = { host: handle.host, port: handle.port, path: url, method: 'POST', headers: { Host: new URL(url).host } };
  const request = http.request({ agent: false, ...way });
  request.write('one');
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  expect(String((await once(response, 'data'))[0])).toBe('one');
  request.end('two');
  expect(String((await once(response, 'data'))[0])).toBe('two');
});

test('trailers go through in both directions, and none that could frame a message', async () => {
  const { handle } = await startGateway([proxy.url]);
  const seen: unknown[] = [];
  const url = await serve((request, response) => {
    request.resume().once('end', () => {
      seen.push(request.trailers);
      response.writeHead(200, { Trailer: 'X-Sum' }).write('x');
      response.addTrailers({ 'X-Sum': '2' });
      response.end();
    });
  });
  const { host } = new URL(url);
  const answer = await talk(
    handle.port,
    `POST ${url}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nAuthorization: x\r\n\r\n`,
  );
  expect(seen).toEqual([{ 'x-sum': '1' }]);
  expect(answer).toMatch(/0\r\nX-Sum: 2\r\n\r\n$/);
});

test('100-continue and early hints come from the target', async () => {
  const { handle } = await startGateway([proxy.url]);
  const url = await serve((request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    request.resume().once('end', () => response.end('done'));
  });
  const { host } = new URL(url);
  const socket = connect(handle.port, '127.0.0.1').setEncoding('latin1');
  socket.write(
    `POST ${url}/ HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`,
  );
  let heard = '';
  socket.on('data', (chunk: string) => {
    if (heard === '' && chunk.startsWith('HTTP/1.1 100')) socket.write('ab');
    heard += chunk;
  });
  await once(socket, 'close');
  expect(heard).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 103 [^]*preload[^]*HTTP\/1.1 200 OK/);
});

test('a POST goes another way while nothing of it was sent, and its body arrives whole', async () => {
  const dead = await Promise.all([startFault('http', 'refuse-tcp'), startFault('http', 'close-after-request')]);
  const { handle, log } = await startGateway([...dead.map(({ url }) => url), proxy.url]);
  for (let index = 0; index < 6; index += 1) {
    const answer = await ask(handle, `${target.url}/echo`, { method: 'POST' }, `body ${index}`);
    expect(JSON.parse(answer.body)).toMatchObject({ method: 'POST', body: `body ${index}` });
  }
  expect(log.some(({ attempts }) => attempts > 1)).toBe(true);
  await Promise.all(dead.map((server) => server.close()));
});

for (const method of ['POST', 'PUT']) {
  test(`a ${method} of whose body something was sent is not sent again`, async () => {
    let seen = 0;
    const url = await serve((request) => {
      seen += 1;
      request.socket.destroy();
    });
    const { handle, log } = await startGateway([proxy.url, second.url]);
    const answer = await ask(handle, `${url}/`, { method }, 'once');
    expect([answer.status, seen]).toEqual([502, 1]);
    expect(log).toMatchObject([{ status: 502, code: 'TARGET_FAILED', attempts: 1 }]);
  });
}

test('an answer that breaks off breaks off for the client: no second one follows its first byte', async () => {
  const { handle } = await startGateway([proxy.url, second.url]);
  const answer = await talk(
    handle.port,
    `GET ${target.url}/close-body/500 HTTP/1.1\r\nHost: ${new URL(target.url).host}\r\n\r\n`,
  );
  expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(answer.length).toBeLessThan(1000);
});

test('the client that leaves in the middle of a body leaves the endpoint as it was', async () => {
  const { handle, pool, log } = await startGateway([proxy.url]);
  await ask(handle, `${target.url}/`);
  const socket = connect(handle.port, '127.0.0.1');
  socket.write(`GET ${target.url}/slow HTTP/1.1\r\nHost: ${new URL(target.url).host}\r\n\r\n`);
  await once(socket, 'data');
  socket.destroy();
  await expect.poll(() => log.length).toBe(2);
  expect(log[1]).toMatchObject({ code: 'ABORTED', status: 499 });
  await expect.poll(() => pool.stats().inFlight).toBe(0);
  expect(pool.stats().endpoints).toMatchObject([{ standing: 'active', errors: {} }]);
});

test('header-target mode: the gateway speaks TLS, and a 5xx of one exit is asked again through another', async () => {
  let count = 0;
  const url = await serve((_, response) => {
    count += 1;
    response.writeHead(count % 2 === 1 ? 503 : 200).end();
  });
  const { handle } = await startGateway([proxy.url, second.url], { tls: tls() });
  const { host, port } = handle;
  const plain = await exchange({
    host,
    port,
    path: '/x',
    headers: { 'X-Fairlead-Target': url, 'X-Fairlead-Attempts': '1' },
  });
  expect([plain.status, plain.headers['x-fairlead-attempts']]).toEqual([200, '2']);
  const overTls = await exchange({
    host,
    port,
    path: '/echo?x=1',
    headers: {
      'X-Fairlead-Target': secure.url.replace('127.0.0.1', 'localhost'),
      'X-Fairlead-Session': 'a',
      Cookie: 'c=d',
    },
  });
  const { headers, path } = JSON.parse(overTls.body) as { headers: Record<string, string>; path: string };
  expect(path).toBe('/echo?x=1');
  expect(headers).toMatchObject({ host: `localhost:${secure.port}`, cookie: 'c=d' });
  expect(Object.keys(headers).filter((name) => /fairlead|proxy/.test(name))).toEqual([]);
  expect(overTls.headers['x-fairlead-attempts']).toBeUndefined();
});

for (const [policy, status, expected] of [
  ['respectful', 429, [429, 503]],
  ['rotate', 429, [429, 200]],
  ['respectful', 403, [403, 200]],
] as const) {
  test(`header-target mode under ${policy}: what a ${status} does to it and to the next`, async () => {
    let count = 0;
    const url = await serve((_, response) => {
      count += 1;
      response.writeHead(count === 1 || (policy === 'rotate' && count <= 2) ? status : 200).end();
    });
    const { handle, log } = await startGateway([proxy.url, second.url], {
      poolOptions: { policy, deadlineMs: 5000 },
    });
    const target = { host: handle.host, port: handle.port, path: '/', headers: { 'X-Fairlead-Target': url } };
    const answers = [await exchange(target), await exchange(target)];
    expect(answers.map((answer) => answer.status)).toEqual(expected);
    const suspended = policy === 'respectful' && status === 429;
    expect(log.some((record) => record.suspended)).toBe(suspended);
    if (suspended) expect(Number(answers[1]!.headers['retry-after'])).toBeGreaterThan(0);
  });
}

test('control headers that nobody knows are refused with the nearest that is known', async () => {
  const { handle } = await startGateway([proxy.url]);
  const answer = await ask(handle, `${target.url}/`, { headers: { 'X-Fairlead-Sesion': 'a' } });
  expect(answer.status).toBe(400);
  expect(answer.body).toContain("did you mean 'session'");
});

test('a target cannot pass for the gateway: its own X-Fairlead headers are dropped', async () => {
  const url = await serve((_, response) => response.writeHead(200, { 'X-Fairlead-Attempts': '9', 'X-Own': '1' }).end());
  const { handle } = await startGateway([proxy.url]);
  const { headers } = await ask(handle, `${url}/`);
  expect([headers['x-fairlead-attempts'], headers['x-own']]).toEqual([undefined, '1']);
});

test('limits: a head that does not come is 408, a body that is too large 413, one that stops coming 408', async () => {
  const { handle, log } = await startGateway([proxy.url], { headerTimeoutMs: 300, maxBodyBytes: 10, bodyIdleMs: 200 });
  const { host } = new URL(target.url);
  const head = `POST ${target.url}/echo HTTP/1.1\r\nHost: ${host}\r\n`;
  const answers = await Promise.all([
    talk(handle.port, head),
    talk(handle.port, `${head}Content-Length: 11\r\n\r\n`),
    talk(handle.port, `${head}Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n`),
    talk(handle.port, `${head}Content-Length: 5\r\n\r\nab`),
    talk(handle.port, `GET ${target.url}/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
  ]);
  expect(answers.map(statusOf)).toEqual([408, 413, 413, 408, 431]);
  expect(log.map(({ code }) => code).sort()).toEqual([
    'BODY_TIMEOUT',
    'BODY_TOO_LARGE',
    'BODY_TOO_LARGE',
    'HEADER_TIMEOUT',
    'HEADER_TOO_LARGE',
  ]);
});

test('limits: no room is 503, no proxy 503, a proxy that never answers 504', async () => {
  const full = await startGateway([proxy.url], { maxConnections: 1 });
  const first = connect(full.handle.port, '127.0.0.1');
  await once(first, 'connect');
  await expect.poll(() => full.gateway.stats().connections).toBe(1);
  expect(statusOf(await talk(full.handle.port, ''))).toBe(503);
  first.destroy();
  const empty = await startGateway([]);
  expect((await openTunnel(empty.handle.port, `127.0.0.1:${target.port}`)).head).toMatch(/^HTTP\/1.1 503/);
  const mute = await startFault('http', 'silent-after-request');
  const slow = await startGateway([mute.url], { connectTimeoutMs: 300, poolOptions: { deadlineMs: 300 } });
  expect((await openTunnel(slow.handle.port, `127.0.0.1:${target.port}`)).head).toMatch(/^HTTP\/1.1 504/);
  expect((await ask(slow.handle, `${target.url}/`)).status).toBe(504);
  await mute.close();
});

test('a tunnel outlives every request timeout, and ends when nothing moves', async () => {
  const { handle, log, pool } = await startGateway([proxy.url], {
    idleMs: 400,
    connectTimeoutMs: 100,
    poolOptions: { deadlineMs: 100, leaseIdleMs: 50, policy: { attemptTimeoutMs: 50 } },
  });
  const { socket } = await openTunnel(handle.port, `127.0.0.1:${target.port}`);
  socket.write('GET /slow?every=20 HTTP/1.1\r\nHost: a\r\n\r\n');
  let size = 0;
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > 300) resolve();
    });
  });
  expect(log).toEqual([]);
  expect(pool.stats().inFlight).toBe(1);
  socket.destroy();
  const idle = await openTunnel(handle.port, `127.0.0.1:${target.port}`);
  await once(idle.socket.resume(), 'close');
  await expect.poll(() => log.map(({ code }) => code)).toEqual([undefined, 'IDLE']);
  expect(pool.stats().endpoints).toMatchObject([{ errors: {} }]);
});

test('closing waits for what is under way, and then for no longer than told', async () => {
  const { handle } = await startGateway([proxy.url], { drainMs: 5000 });
  const url = await serve((_, response) => void response.write('a'));
  const { socket } = await openTunnel(handle.port, `127.0.0.1:${new URL(url).port}`);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  const closed = handle.close();
  const refused = connect(handle.port, '127.0.0.1');
  expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
  socket.destroy();
  await closed;
  const other = await startGateway([proxy.url], { drainMs: 50 });
  const stuck = await openTunnel(other.handle.port, `127.0.0.1:${target.port}`);
  await Promise.all([other.handle.close(), once(stuck.socket.resume(), 'close')]);
});

test('the access log tells who went where through whom, and holds no credential', async () => {
  const { handle, log } = await startGateway([proxy.url], { users: { ann: 'canary-password' } });
  const login = basic('ann-session-cart', 'canary-password');
  const { socket } = await openTunnel(handle.port, `127.0.0.1:${target.port}`, login);
  socket.destroy();
  await talk(
    handle.port,
    `GET ${target.url}/path?query HTTP/1.1\r\nHost: ${new URL(target.url).host}\r\nConnection: close\r\n${login}\r\n`,
  );
  await expect.poll(() => log.length).toBe(2);
  expect(log).toMatchObject([
    { kind: 'connect', client: 'ann', session: 'cart', proxy: proxy.url, attempts: 1, status: 200, suspended: false },
    { kind: 'plain', client: 'ann', session: 'cart', proxy: proxy.url, attempts: 1, status: 200 },
  ]);
  expect(JSON.stringify(log)).not.toMatch(/canary|path|query/);
});

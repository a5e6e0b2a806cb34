import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { createPool, type Pool } from '@fairlead/core';
import { startHttpProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGateway, type Gateway, type GatewayHandle } from './gateway.js';
import type { Ticket, TicketRefusal, TicketRequest } from './ticket.js';

let target: Target;
let proxies: ProxyServer[];
let pool: Pool;
let gateway: Gateway;
let handle: GatewayHandle;

beforeEach(async () => {
  target = await startTarget();
  proxies = await Promise.all([1, 2, 3].map((n) => startHttpProxy({ exit: `127.78.0.${n}` })));
  pool = createPool({ proxies: proxies.map(({ url }) => url), policy: 'rotate' });
  gateway = createGateway({ pool, ports: 'all', allowPrivate: ['127.0.0.0/8'], anonymous: false });
  handle = await gateway.listen();
});
afterEach(async () => {
  await Promise.all([handle.close(), pool.close(), target.close(), ...proxies.map((proxy) => proxy.close())]);
});

/** A plain request by a ticket: its status, and the address that the target saw. */
async function get({ username, password }: Ticket, path = '/echo', host = '127.0.0.1') {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const url = `http://${host}:${target.port}${path}`;
  const headers = { Host: `${host}:${target.port}`, 'Proxy-Authorization': authorization };
  const request = http.request({ host: handle.host, port: handle.port, path: url, headers, agent: false });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    status: response.statusCode,
    code: response.headers['x-fairlead-error'],
    exit: /127\.78\.\d+\.\d+/.exec(text)?.[0],
  };
}

const mint = (request: TicketRequest = {}): Ticket => gateway.tickets.mint(request);
const kill = (ticket: Ticket): Promise<void> =>
  proxies.find(({ port }) => ticket.last!.endpoint.endsWith(`:${port}`))!.close();

test('an exit that is given back holds no place, and a session finds the same again', async () => {
  const ticket = mint({ session: 'cart' });
  const first = await get(ticket);
  ticket.giveBack();
  expect(pool.stats().inFlight).toBe(0);
  expect(ticket.info).toBeUndefined();
  expect(ticket.last?.endpoint).toContain(`:${proxies.find((_, n) => first.exit === `127.78.0.${n + 1}`)!.port}`);
  expect(await get(ticket)).toMatchObject({ status: 200, exit: first.exit });
});

test('what is open may go on to its end on an exit that is given back, and then it is free', async () => {
  const ticket = mint({ session: 'cart' });
  const { host, port } = handle;
  const authorization = `Basic ${Buffer.from(`${ticket.username}:${ticket.password}`).toString('base64')}`;
  const path = `127.0.0.1:${target.port}`;
  const headers = { Host: path, 'Proxy-Authorization': authorization };
  const request = http.request({ host, port, method: 'CONNECT', path, headers, agent: false }).end();
  const [, socket] = (await once(request, 'connect')) as [unknown, Socket];
  ticket.giveBack({ closing: false });
  socket.write('GET /echo HTTP/1.1\r\nHost: any\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('200 OK');
  expect(pool.stats().inFlight).toBe(1);
  const closed = once(socket.resume(), 'end');
  ticket.giveBack();
  await closed;
  expect(pool.stats().inFlight).toBe(0);
});

test('a strict ticket passes over dead proxies at first, and takes no other exit once one has carried it', async () => {
  await proxies[0]!.close();
  await proxies[1]!.close();
  const ticket = mint({ strict: true });
  const refusals: TicketRefusal[] = [];
  ticket.onRefused((refusal) => refusals.push(refusal));
  expect(await get(ticket)).toMatchObject({ status: 200, exit: '127.78.0.3' });
  pool.add((await startAnother()).url);
  await kill(ticket);
  expect(await get(ticket)).toMatchObject({ status: 503, code: 'SESSION_LOST', exit: undefined });
  expect(refusals).toMatchObject([{ code: 'SESSION_LOST' }]);
  pool.remove(ticket.last!.endpoint);
  expect(await get(ticket)).toMatchObject({ status: 503, code: 'SESSION_LOST', exit: undefined });
  ticket.rotate();
  expect(await get(ticket)).toMatchObject({ status: 200, exit: '127.78.0.9' });
});

test('a ticket that is not strict goes on through another exit, and says so', async () => {
  const ticket = mint();
  const moves: unknown[] = [];
  ticket.onMove((move) => moves.push(move));
  const { exit } = await get(ticket);
  await kill(ticket);
  const after = await get(ticket);
  expect(after.status).toBe(200);
  expect(after.exit).not.toBe(exit);
  expect(moves).toHaveLength(1);
});

test('with an exit for each host, hosts differ and each keeps its own', async () => {
  const ticket = mint({ exits: 'per-host' });
  const hosts = Array.from({ length: 12 }, (_, n) => `h${n}.lab.test`);
  const exits = new Map<string, unknown>();
  for (const host of hosts) exits.set(host, (await get(ticket, '/echo', host)).exit);
  expect(new Set(exits.values()).size).toBeGreaterThan(1);
  for (const host of hosts) expect((await get(ticket, '/echo', host)).exit).toBe(exits.get(host));
  expect(pool.stats().inFlight).toBe(hosts.length);
  ticket.release();
  expect(pool.stats().inFlight).toBe(0);
});

test('a report says whether it cost the exit its place', async () => {
  const ticket = mint({ reports: true });
  const { exit } = await get(ticket);
  expect(ticket.report({ kind: 'response', status: 200, latencyMs: 5 }, target.url)).toBe(false);
  expect(ticket.report({ kind: 'response', status: 403, latencyMs: 5 }, target.url)).toBe(true);
  expect((await get(ticket)).exit).not.toBe(exit);
});

test('an empty pool is told to the holder as it is to the client', async () => {
  pool.update({ proxies: [] });
  const ticket = mint();
  const refusals: TicketRefusal[] = [];
  ticket.onRefused(() => {
    throw new Error('a listener that throws harms nobody');
  });
  const off = ticket.onRefused((refusal) => refusals.push(refusal));
  expect(await get(ticket)).toMatchObject({ status: 503, code: 'POOL_EXHAUSTED' });
  expect(refusals).toMatchObject([{ code: 'POOL_EXHAUSTED' }]);
  off();
  await get(ticket);
  expect(refusals).toHaveLength(1);
  expect(target.connections.opened).toBe(0);
});

/** A tunnel by a ticket, and the status of the answer to CONNECT. */
async function connect({ username, password }: Ticket, path: string) {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const headers = { Host: path, 'Proxy-Authorization': authorization };
  const request = http.request({
    host: handle.host,
    port: handle.port,
    method: 'CONNECT',
    path,
    headers,
    agent: false,
  });
  request.end();
  const [response, socket] = (await once(request, 'connect')) as [http.IncomingMessage, Socket];
  return { status: response.statusCode, socket };
}

test('what its holder does not visit costs no exit anything, and its holder hears nothing of it', async () => {
  const ticket = mint({ reports: true, strict: true, visits: ({ hostname }) => hostname === '127.0.0.1' });
  const refusals: TicketRefusal[] = [];
  const exits = new Set<unknown>();
  ticket.onRefused((refusal) => refusals.push(refusal));
  for (let errand = 0; errand < 8; errand += 1) {
    expect((await connect(ticket, `maker${errand}.lab.test:1`)).status).toBe(502);
    expect((await get(ticket, '/', `plain${errand}.invalid`)).status).toBe(502);
    // And none of them moves it to another.
    exits.add(ticket.info?.endpoint);
  }
  expect(exits.size).toBe(1);
  expect(refusals).toEqual([]);
  expect(pool.stats()).toMatchObject({ attempts: 0 });
  expect(await get(ticket)).toMatchObject({ status: 200 });
  ticket.release();
  const visiting = mint({ reports: true });
  visiting.onRefused((refusal) => refusals.push(refusal));
  expect((await connect(visiting, 'maker.lab.test:1')).status).toBe(502);
  expect((await connect(visiting, 'another.lab.test:1')).status).toBe(502);
  expect(refusals.map(({ code }) => code)).toEqual(['PROXY_TUNNEL', 'PROXY_TUNNEL']);
  expect(pool.stats().attempts).toBeGreaterThan(0);
});

test('an answer is told of the exit that carried it, whichever is held by then', async () => {
  const ticket = mint({ reports: true });
  const { socket } = await connect(ticket, `127.0.0.1:${target.port}`);
  const carrier = ticket.info!.endpoint;
  // It can take no more, and the next connection has another exit.
  pool.hold(carrier);
  await get(ticket);
  const next = ticket.info!.endpoint;
  expect(next).not.toBe(carrier);
  expect(ticket.report({ kind: 'response', status: 403, latencyMs: 5 }, target.url)).toBe(true);
  pool.resume(carrier);
  const why = new Map(pool.explain({ target: target.url }).endpoints.map((endpoint) => [endpoint.id, endpoint.why]));
  expect(why.get(carrier)).toBe('blocked');
  expect(why.get(next)).not.toBe('blocked');
  socket.destroy();
});

async function startAnother(): Promise<ProxyServer> {
  const another = await startHttpProxy({ exit: '127.78.0.9' });
  proxies.push(another);
  return another;
}

test('a report on a host that was never visited blames the exit of no other', async () => {
  const ticket = mint({ reports: true, exits: 'per-host' });
  expect(await get(ticket, '/echo', 'a.lab.test')).toMatchObject({ status: 200 });
  const denied = { kind: 'response', status: 403, latencyMs: 5 } as const;
  const before = ticket.last?.endpoint;
  expect(ticket.report(denied, 'https://never.visited.test/')).toBe(false);
  expect(ticket.last?.endpoint).toBe(before);
  expect(ticket.report(denied, `http://a.lab.test:${target.port}/`)).toBe(true);
});

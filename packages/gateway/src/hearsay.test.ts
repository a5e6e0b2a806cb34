import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { createPool, priority, type EndpointId, type Pool } from '@fairlead/core';
import { startFault, startHttpProxy, startTarget, type LabServer, type Target } from '@fairlead/lab';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGateway, type Gateway, type GatewayHandle } from './gateway.js';
import type { TicketRequest } from './ticket.js';

let target: Target;
let pool: Pool;
let gateway: Gateway;
let handle: GatewayHandle;
const open: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  target = await startTarget();
});
afterEach(async () => {
  await Promise.all([...open.splice(0), handle, pool, target].map((server) => server.close()));
});

async function start(proxies: readonly LabServer[], connectTimeoutMs = 30_000): Promise<void> {
  open.push(...proxies);
  const urls = proxies.map(({ url }, tier) => ({ url, tier: Math.min(tier, 7) }));
  pool = createPool({ proxies: urls, strategy: priority() });
  gateway = createGateway({ pool, ports: 'all', allowPrivate: 'all', anonymous: false, connectTimeoutMs });
  handle = await gateway.listen();
}

const good = (count: number): Promise<LabServer[]> =>
  Promise.all(Array.from({ length: count }, () => startHttpProxy()));

/** One try at a tunnel, by a ticket of its own; the status of the gateway's answer. */
async function connect(path = `127.0.0.1:${target.port}`, terms: TicketRequest = {}): Promise<number | undefined> {
  const ticket = gateway.tickets.mint(terms);
  const authorization = `Basic ${Buffer.from(`${ticket.username}:${ticket.password}`).toString('base64')}`;
  const headers = { Host: path, 'Proxy-Authorization': authorization };
  const request = http.request({ ...handle, host: handle.host, method: 'CONNECT', path, headers, agent: false });
  request.end();
  const [response, socket] = (await once(request, 'connect')) as [http.IncomingMessage, Socket];
  socket.destroy();
  ticket.release();
  return response.statusCode;
}

/** The same in plain HTTP, which the gateway itself sends on. */
async function get(host: string): Promise<number | undefined> {
  const { username, password } = gateway.tickets.mint();
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const headers = { Host: host, 'Proxy-Authorization': authorization };
  const request = http.request({
    host: handle.host,
    port: handle.port,
    path: `http://${host}/`,
    headers,
    agent: false,
  });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  return response.statusCode;
}

const resting = (): number => pool.stats().proxies.cooling;

test('a host that is down puts no exit to rest, however many were asked for it', async () => {
  await start(await good(12));
  expect(await connect('dead.lab.test:443')).toBe(502);
  expect(await get('dead.lab.test')).toBe(502);
  expect([resting(), pool.stats().attempts, pool.stats().inFlight]).toEqual([0, 0, 0]);
  expect(await connect()).toBe(200);
});

test('exits that have carried something are believed when a few of them miss a target', async () => {
  const proxies = await good(8);
  await start(proxies);
  for (const { id } of pool.stats().endpoints) expect(await connect(undefined, { endpoint: id })).toBe(200);
  const before = proxies.map(({ connections }) => connections.opened);
  expect(await connect('dead.lab.test:443')).toBe(502);
  const asked = proxies.filter(({ connections }, index) => connections.opened > before[index]!);
  expect(asked).toHaveLength(pool.policy.retry.maxAttempts);
  expect(resting()).toBe(0);
});

test.each(['status-502', 'close-after-request', 'silent-after-request'] as const)(
  'an exit that misses what another reaches is to blame (%s)',
  async (fault) => {
    await start([await startFault('http', fault), ...(await good(1))], 2000);
    expect(await connect()).toBe(200);
    expect(resting()).toBe(1);
  },
);

test('one that misses a second target, or one that was reached a moment ago, is to blame at once', async () => {
  await start([await startFault('http', 'status-502')]);
  expect(await connect()).toBe(502);
  expect(resting()).toBe(0);
  expect(await connect('other.lab.test:443')).toBe(502);
  expect(resting()).toBe(1);
  const [another] = await good(1);
  open.push(another!);
  pool.add(another!.url);
  expect(await connect()).toBe(200);
  const late = await startFault('http', 'status-502');
  open.push(late);
  const [id = ''] = pool.add(late.url);
  expect(await connect(undefined, { endpoint: id as EndpointId })).toBe(502);
  expect(pool.stats().endpoints.find((endpoint) => endpoint.id === id)?.standing).toBe('cooling');
});

test('exits that hang leave time for one that does not, also where a ticket has less than the gateway', async () => {
  const hanging = await Promise.all([1, 2].map(() => startFault('http', 'silent-after-request')));
  await start([...hanging, ...(await good(1))]);
  expect(await connect(undefined, { connectTimeoutMs: () => 2000 })).toBe(200);
});

import { once } from 'node:events';
import { get as httpGet, type ClientRequest, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { certificates, startHttpProxy, startSocksProxy, startTarget, type ProxyServer } from '@fairlead/lab';
import { toEndpoint } from '@fairlead/core';
import { expect, test } from 'vitest';
import { Agent, request as undiciRequest } from 'undici';
import { agentsFor } from './agents.js';
import { leaseAgents, type Agents } from './lease-agents.js';
import { createTraffic, type Traffic } from './traffic.js';
import { undiciConnector } from './undici-connector.js';

const { ca } = certificates();

async function load(url: string, agents: Agents): Promise<void> {
  const request: ClientRequest = url.startsWith('https:')
    ? httpsGet(url, { agent: agents.https })
    : httpGet(url, { agent: agents.http });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  await buffer(response);
}

/** What the proxy has counted, in our direction. */
function counted(proxy: ProxyServer): { sent: number; received: number } {
  return { sent: proxy.connections.bytesIn, received: proxy.connections.bytesOut };
}

test.each([
  ['http', () => startHttpProxy()],
  ['http with password', () => startHttpProxy({ credentials: { user: 'u', password: 'p' } })],
  ['https', () => startHttpProxy({ certificate: 'good' })],
  ['socks5h', () => startSocksProxy()],
  ['socks4a', () => startSocksProxy({ scheme: 'socks4a' })],
] as const)("%s: our count is the proxy's own, byte for byte", async (kind, start) => {
  const proxy: ProxyServer = await start();
  const targets = [await startTarget(), await startTarget({ certificate: 'good', host: '127.0.0.2' })];
  const traffic = createTraffic();
  const endpoint = toEndpoint(proxy.url, 'the test');
  const agents = agentsFor(endpoint, { ca, traffic, tls: { ca, checkServerIdentity: () => undefined } });
  for (const { url } of targets) for (const size of [0, 1, 70_000, 300_000]) await load(`${url}/bytes/${size}`, agents);
  // While the tunnels are open and after they are closed.
  expect(traffic.total()).toEqual(counted(proxy));
  agents.http.destroy();
  agents.https.destroy();
  await proxy.idle();
  // The farewell of a proxy's TLS, 24 bytes a tunnel, meets a socket that is closed: nobody receives it.
  const { sent, received } = counted(proxy);
  const wire = { sent, received: received - (kind === 'https' ? 2 * 24 : 0) };
  expect(traffic.total()).toEqual(wire);
  expect(traffic.ofEndpoint(endpoint.id)).toEqual(wire);
  const [first, second] = [traffic.ofTarget('127.0.0.1'), traffic.ofTarget('127.0.0.2')];
  expect({ sent: first.sent + second.sent, received: first.received + second.received }).toEqual(wire);
  expect(first.received).toBeGreaterThan(370_000);
  for (const server of [proxy, ...targets]) await server.close();
});

test('two endpoints are counted apart', async () => {
  const [one, two, target] = [
    await startHttpProxy(),
    await startSocksProxy(),
    await startTarget({ certificate: 'good' }),
  ];
  const traffic = createTraffic();
  for (const proxy of [one, two]) {
    const endpoint = toEndpoint(proxy.url, 'the test');
    const dispatcher = new Agent({ connect: undiciConnector(endpoint, { traffic, tls: { ca } }) });
    await (await undiciRequest(`${target.url}/bytes/1000`, { dispatcher })).body.arrayBuffer();
    await dispatcher.close();
    await proxy.idle();
    expect(traffic.ofEndpoint(endpoint.id)).toEqual(counted(proxy));
  }
  for (const server of [one, two, target]) await server.close();
});

test('sessions that share a tunnel are counted apart, and together they are the whole', async () => {
  const [proxy, target] = [await startHttpProxy(), await startTarget({ certificate: 'good' })];
  const traffic: Traffic = createTraffic();
  const agents = agentsFor(toEndpoint(proxy.url, 'the test'), { traffic, tls: { ca } });
  for (const session of ['a', 'b', 'a', 'b', 'b'])
    await load(`${target.url}/bytes/10000`, leaseAgents(agents, { session }));
  agents.https.destroy();
  await proxy.idle();
  expect(proxy.connections.opened).toBe(1);
  const [a, b] = [traffic.ofSession('a'), traffic.ofSession('b')];
  expect({ sent: a.sent + b.sent, received: a.received + b.received }).toEqual(counted(proxy));
  expect(b.received - a.received).toBeGreaterThan(5000);
  for (const server of [proxy, target]) await server.close();
});

test('a dial that fails has cost bytes too', async () => {
  const proxy = await startHttpProxy({ refuseConnect: { status: 503, ports: 'all' } });
  const traffic = createTraffic();
  const endpoint = toEndpoint(proxy.url, 'the test');
  await expect(load('https://127.0.0.1:1/', agentsFor(endpoint, { traffic }))).rejects.toMatchObject({ status: 503 });
  await proxy.idle();
  expect(traffic.ofEndpoint(endpoint.id)).toEqual(counted(proxy));
  expect(traffic.ofEndpoint(endpoint.id).received).toBeGreaterThan(0);
  await proxy.close();
});

test('keys are bounded: what comes after is counted under *', async () => {
  const [proxy, target] = [await startHttpProxy(), await startTarget()];
  const traffic = createTraffic({ maxKeys: 2 });
  const agents = agentsFor(toEndpoint(proxy.url, 'the test'), { traffic });
  for (const session of ['a', 'b', 'c', 'd']) await load(target.url, leaseAgents(agents, { session }));
  agents.http.destroy();
  await proxy.idle();
  traffic.total();
  expect([...traffic.snapshot().sessions.keys()].toSorted()).toEqual(['*', 'a', 'b']);
  for (const server of [proxy, target]) await server.close();
});

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { startHttpProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { toEndpoint } from '@fairlead/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAgentCache, type AgentCache, type CachedLease } from './agent-cache.js';
import type { Agents } from './lease-agents.js';

let proxy: ProxyServer;
let target: Target;
let cache: AgentCache | undefined;
beforeEach(async () => {
  proxy = await startHttpProxy({ exits: 'each-tunnel' });
  target = await startTarget();
});
afterEach(async () => {
  cache?.close();
  await proxy.close();
  await target.close();
});

async function load({ http }: Agents): Promise<void> {
  const [response] = (await once(get(target.url, { agent: http }), 'response')) as [IncomingMessage];
  await buffer(response);
}

function endpointOf(rotating: boolean) {
  return toEndpoint({ url: proxy.url, rotating }, 'the test');
}

/** The exits that so many leases left by. */
async function exits(leases: number, rotating: boolean, lease: CachedLease): Promise<number> {
  cache = createAgentCache();
  const endpoint = endpointOf(rotating);
  for (let n = 0; n < leases; n += 1) {
    const agents = cache.lease(endpoint, lease);
    await load(agents);
    agents.close();
  }
  return new Set(target.requests.map(({ remoteAddress }) => remoteAddress)).size;
}

test('a rotating endpoint: 100 leases leave by 100 exits', async () => {
  expect(await exits(100, true, {})).toBe(100);
  await proxy.idle();
});

test('a rotating endpoint: a session leaves by one', async () => {
  expect(await exits(100, true, { session: 'cart' })).toBe(1);
});

test('two requests of one lease leave by one exit, however it rotates', async () => {
  cache = createAgentCache();
  const agents = cache.lease(endpointOf(true));
  await load(agents);
  await load(agents);
  agents.close();
  expect(proxy.requests).toHaveLength(1);
});

test.each([
  ['endpoint', {}, 1],
  ['endpoint', { session: 'a' }, 1],
  ['session', { session: 'a' }, 1],
  ['session', {}, 5],
  ['none', { session: 'a' }, 5],
  ['none', {}, 5],
] as const)('an endpoint that stays, reuse %s, lease %j: 5 leases take %d tunnels', async (reuse, lease, tunnels) => {
  expect(await exits(5, false, { ...lease, reuse })).toBe(tunnels);
});

test('reuse session: two sessions never share a tunnel', async () => {
  cache = createAgentCache({ reuse: 'session' });
  const endpoint = endpointOf(false);
  for (const session of ['a', 'b', 'a', 'b']) await load(cache.lease(endpoint, { session }));
  expect(proxy.requests).toHaveLength(2);
});

test('a retired endpoint keeps no tunnel, and its agents are forgotten', async () => {
  cache = createAgentCache();
  const endpoint = endpointOf(false);
  await load(cache.lease(endpoint));
  expect(cache.size).toBe(1);
  cache.retire(endpoint.id);
  expect(cache.size).toBe(0);
  await proxy.idle();
});

test('a lease that outlives its endpoint finishes, and then keeps no tunnel either', async () => {
  cache = createAgentCache();
  const endpoint = endpointOf(false);
  const lease = cache.lease(endpoint);
  cache.retire(endpoint.id);
  await load(lease);
  await proxy.idle();
});

test('the cache is bounded, and the pair unused for longest goes first', async () => {
  cache = createAgentCache({ reuse: 'session', maxAgents: 2 });
  const endpoint = endpointOf(false);
  for (const session of ['a', 'b', 'a', 'c', 'a']) await load(cache.lease(endpoint, { session }));
  expect(cache.size).toBe(2);
  expect(proxy.requests).toHaveLength(3);
  await load(cache.lease(endpoint, { session: 'b' }));
  expect(proxy.requests).toHaveLength(4);
});

test('agents that an old password made serve nobody who has the new one', async () => {
  const locked = await startHttpProxy({ credentials: { user: 'u', password: 'new' } });
  cache = createAgentCache();
  const old = toEndpoint(locked.url.replace(':new@', ':old@'), 'the test');
  const renewed = toEndpoint(locked.url, 'the test');
  expect(renewed.id).toBe(old.id);
  cache.retire(old.id);
  await expect(load(cache.lease(old))).rejects.toMatchObject({ code: 'PROXY_AUTH' });
  await load(cache.lease(renewed));
  // The same endpoint read anew is no reason to close anything.
  await load(cache.lease(toEndpoint(locked.url, 'the test')));
  expect(cache.size).toBe(1);
  expect(locked.connections.opened).toBe(2);
  await locked.close();
});

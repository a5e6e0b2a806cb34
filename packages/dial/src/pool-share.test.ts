import { createPool, toEndpoint } from '@fairlead/core';
import { expect, test } from 'vitest';
import { agentClient } from './client-options.js';

const proxies = ['http://127.0.0.1:9'];

test('any number of clients stand on one listener and one set of agents for each set of options', async () => {
  const pool = createPool({ proxies });
  const clients = Array.from({ length: 3000 }, () => agentClient(pool, {}));
  expect(new Set(clients.map(({ agents }) => agents)).size).toBe(1);
  const secure = [{ ca: 'one' }, { ca: 'one' }, { ca: 'two' }].map((tls) => agentClient(pool, { tls }).agents);
  expect(new Set(secure).size).toBe(2);
  expect(agentClient(pool, { allowDirect: true }).agents).toBe(clients[0]!.agents);
  await pool.close();
});

test('the last client that lets go closes what was kept, and others go on until then', async () => {
  const pool = createPool({ proxies });
  const [first, second] = [agentClient(pool, {}), agentClient(pool, {})];
  const { agents } = first;
  const endpoint = toEndpoint(proxies[0]!, 'proxies[0]');
  agents.lease(endpoint);
  first.release();
  first.release();
  expect(agents.size).toBe(1);
  pool.remove(endpoint.id);
  expect(agents.size).toBe(0);
  second.release();
  expect(agentClient(pool, {}).agents).not.toBe(agents);
  await pool.close();
});

test('two thousand clients, each with options of its own, come and go', async () => {
  const pool = createPool({ proxies });
  for (let turn = 0; turn < 2000; turn += 1) agentClient(pool, { idleMs: 1000 + turn }).release();
  await pool.close();
});

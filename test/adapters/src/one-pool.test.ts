import { createPool, type EndpointId } from '@fairlead/core';
import { startHttpProxy, startTarget } from '@fairlead/lab';
import { expect, test } from 'vitest';
import { clientsOver } from './clients.js';

test('axios, got and fetch over one pool share sessions, and one learns from the failures of another', async () => {
  const target = await startTarget();
  const proxies = await Promise.all(Array.from({ length: 4 }, () => startHttpProxy()));
  const pool = createPool({ proxies: proxies.map(({ url }) => url) });
  const leases: EndpointId[] = [];
  pool.on('leased', ({ endpoint }) => leases.push(endpoint));
  const { axios, got, fetch } = clientsOver(pool);
  const page = `${target.url}/status/200`;
  try {
    await Promise.all([axios(page, 'cart-42'), got(page, 'cart-42'), fetch(page, 'cart-42')]);
    expect(new Set(leases).size).toBe(1);

    // The session's exit dies under axios: it moves on, and the exit rests for everyone.
    const [dead] = leases;
    const resting = new Promise((resolve) => pool.on('cooldown', resolve));
    await proxies.find(({ port }) => dead!.endsWith(`:${port}`))!.close();
    pool.sessions.unbind('cart-42');
    const forced = { target: page, endpoint: dead! };
    for (let turn = 0; turn < 20 && pool.stats().proxies.cooling === 0; turn += 1) {
      pool.sessions.bind('doomed', dead!);
      await axios(page, 'doomed');
    }
    await resting;
    expect(pool.tryAcquire(forced)).toBeUndefined();
    leases.length = 0;
    for (let turn = 0; turn < 20; turn += 1) await Promise.all([got(page), fetch(page)]);
    expect(leases).toHaveLength(40);
    expect(leases).not.toContain(dead);
    expect(pool.stats().inFlight).toBe(0);
  } finally {
    await Promise.all([pool.close(), target.close(), ...proxies.map((proxy) => proxy.close())]);
  }
});

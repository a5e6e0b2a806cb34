import { createPool } from '@fairlead/core';
import { startHttpProxy, startTarget } from '@fairlead/lab';
import { request } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { poolDispatcher } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function overOneProxy() {
  const [target, proxy] = [await startTarget(), await startHttpProxy()];
  const pool = createPool({ proxies: [proxy.url] });
  open.push(target, proxy, pool);
  return { target, pool, dispatcher: poolDispatcher(pool) };
}

test('a request that follows another at once takes its connection', async () => {
  const { target, dispatcher } = await overOneProxy();
  for (let turn = 0; turn < 10; turn += 1)
    await (await request(`${target.url}/bytes/10`, { dispatcher })).body.arrayBuffer();
  expect([target.requests.length, target.connections.opened]).toEqual([10, 1]);
});

test('one that is called off before the connection is free again is never sent', async () => {
  const { target, pool, dispatcher } = await overOneProxy();
  await (await request(`${target.url}/bytes/10`, { dispatcher })).body.arrayBuffer();
  const caller = new AbortController();
  const second = request(`${target.url}/bytes/10`, { dispatcher, signal: caller.signal });
  caller.abort();
  await expect(second).rejects.toThrow('aborted');
  await (await request(`${target.url}/bytes/10`, { dispatcher })).body.arrayBuffer();
  expect(target.requests).toHaveLength(2);
  expect(pool.stats()).toMatchObject({ succeeded: 2, inFlight: 0 });
});

test.each(['closed', 'left by its exit'])(
  'one that waits for a connection is carried, though the dispatcher is %s',
  async (how) => {
    const { target, pool, dispatcher } = await overOneProxy();
    await (await request(`${target.url}/bytes/10`, { dispatcher })).body.arrayBuffer();
    const second = request(`${target.url}/bytes/10`, { dispatcher });
    if (how === 'closed') void dispatcher.close();
    else for (const { id } of pool.stats().endpoints) pool.remove(id);
    expect((await (await second).body.arrayBuffer()).byteLength).toBe(10);
    expect(pool.stats()).toMatchObject({ attempts: 2, succeeded: 2 });
  },
);

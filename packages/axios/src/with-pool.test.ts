import { createPool } from '@fairlead/core';
import { startFault, startHttpProxy, startTarget, type LabServer } from '@fairlead/lab';
import axios from 'axios';
import { inspect } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { withPool } from './with-pool.js';

const credentials = { user: 'canary-user', password: 'canary-pass' };
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function lab<T extends LabServer>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  open.push(server);
  return server;
}

function clientOver(...proxies: readonly LabServer[]) {
  const pool = createPool({ proxies: proxies.map(({ url }) => url) });
  open.push(pool);
  return { pool, http: withPool(axios.create(), pool) };
}

test('a request reaches its target through the proxy that the pool chose, and only through it', async () => {
  const target = await lab(startTarget());
  const proxy = await lab(startHttpProxy({ credentials }));
  const { http, pool } = clientOver(proxy);
  const { status } = await http.get(`${target.url}/status/200`);
  expect(status).toBe(200);
  expect(proxy.requests).toMatchObject([{ form: 'connect', port: target.port, credentials }]);
  expect(target.requests).toHaveLength(1);
  expect(target.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  expect(pool.stats()).toMatchObject({ succeeded: 1, inFlight: 0 });
});

test('a dead proxy is replaced before the caller notices', async () => {
  const target = await lab(startTarget());
  const dead = await lab(startFault('http', 'refuse-tcp'));
  const { http, pool } = clientOver(dead, await lab(startHttpProxy()));
  for (let turn = 0; turn < 5; turn += 1) await http.get(`${target.url}/status/200`);
  expect(target.requests).toHaveLength(5);
  expect(pool.stats().inFlight).toBe(0);
});

test('a refusal by the target is delivered as it is, and no other exit is tried', async () => {
  const target = await lab(startTarget());
  const { http } = clientOver(await lab(startHttpProxy()), await lab(startHttpProxy()));
  await expect(http.get(`${target.url}/status/403`)).rejects.toMatchObject({ response: { status: 403 } });
  expect(target.requests).toHaveLength(1);
});

test('after a 429 the target is left alone for as long as it asked', async () => {
  const target = await lab(startTarget());
  const { http } = clientOver(await lab(startHttpProxy()), await lab(startHttpProxy()));
  await expect(http.get(`${target.url}/status/429?retry-after=120`)).rejects.toMatchObject({
    response: { status: 429 },
  });
  await expect(http.get(`${target.url}/status/200`)).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
  expect(target.requests).toHaveLength(1);
});

test('when no proxy works the error says so, shows no credential, and nothing went out directly', async () => {
  const target = await lab(startTarget());
  const { http } = clientOver(await lab(startFault('http', 'refuse-tcp', { credentials })));
  const error: unknown = await http.get(`${target.url}/status/200`).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'RETRIES_EXHAUSTED' });
  expect(inspect(error, { depth: 10 })).not.toMatch(/canary/);
  expect(target.requests).toHaveLength(0);
});

test('an empty pool rejects and opens no direct connection', async () => {
  const target = await lab(startTarget());
  const { http } = clientOver();
  await expect(http.get(`${target.url}/status/200`)).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' });
  expect(target.connections.opened).toBe(0);
});

test('an abort by the caller blames nobody and frees the place', async () => {
  const target = await lab(startTarget());
  const { http, pool } = clientOver(await lab(startHttpProxy()));
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  const controller = new AbortController();
  pool.on('leased', () => setImmediate(() => controller.abort()));
  await expect(http.get(`${target.url}/hang`, { signal: controller.signal })).rejects.toMatchObject({
    code: 'ERR_CANCELED',
  });
  expect(verdicts).toEqual(['abandoned']);
  expect(pool.stats().inFlight).toBe(0);
});

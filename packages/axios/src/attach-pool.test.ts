import { createPool, poolInfo } from '@fairlead/core';
import { startFault, startHttpProxy, startTarget, type LabServer } from '@fairlead/lab';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { attachPool, withPool } from './index.js';

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

test("stands between the user's own interceptors, and comes off again", async () => {
  const target = await lab(startTarget());
  const proxy = await lab(startHttpProxy());
  const pool = createPool({ proxies: [proxy.url] });
  open.push(pool);
  const http = axios.create();
  http.interceptors.request.use((config) => {
    config.headers.set('x-before', String(typeof config.adapter));
    return config;
  });
  const attached = attachPool(http, pool);
  http.interceptors.request.use((config) => {
    config.headers.set('x-after', '1');
    return config;
  });
  const seen: unknown[] = [];
  http.interceptors.response.use((response) => {
    seen.push(poolInfo(response)?.endpoint);
    return response;
  });
  await http.get(`${target.url}/status/200`);
  expect(target.requests[0]?.headers).toMatchObject({ 'x-before': 'function', 'x-after': '1' });
  expect(seen).toEqual([pool.stats().endpoints[0]?.id]);
  expect(proxy.requests).toHaveLength(1);

  attached.detach();
  const { config } = await http.get(`${target.url}/status/200`);
  expect(proxy.requests).toHaveLength(1);
  expect(config.adapter).not.toBeTypeOf('function');
  expect(seen).toHaveLength(2);
});

test('ejecting the request interceptor by its number is the same as detaching', async () => {
  const target = await lab(startTarget());
  const proxy = await lab(startHttpProxy());
  const pool = createPool({ proxies: [proxy.url] });
  open.push(pool);
  const http = axios.create();
  const { request } = attachPool(http, pool);
  http.interceptors.request.eject(request);
  await http.get(`${target.url}/status/200`);
  expect(proxy.requests).toHaveLength(0);
});

test.each<[string, object]>([
  ['adapter: fetch', { adapter: 'fetch' }],
  ['httpVersion: 2', { httpVersion: 2 }],
  ['own proxy', { proxy: { host: '127.0.0.1', port: 1 } }],
  ['own httpAgent', { httpAgent: new Agent() }],
  ['own httpsAgent', { httpsAgent: new Agent() }],
  ['socketPath', { socketPath: '/tmp/none' }],
  ['pool: false', { pool: false }],
])('refuses what would connect past the pool: %s', async (_, config) => {
  const target = await lab(startTarget());
  const { http, pool } = clientOver(await lab(startHttpProxy()));
  await expect(http.get(target.url, config)).rejects.toMatchObject({ code: 'POLICY_UNSUPPORTED' });
  expect(target.connections.opened).toBe(0);
  expect(pool.stats().inFlight).toBe(0);
});

test('a setting that an interceptor of the user adds last is refused as well', async () => {
  const target = await lab(startTarget());
  const http = axios.create();
  http.interceptors.request.use((config) => Object.assign(config, { httpAgent: new Agent() }));
  const pool = createPool({ proxies: [(await lab(startHttpProxy())).url] });
  attachPool(http, pool);
  await expect(http.get(target.url)).rejects.toMatchObject({ code: 'POLICY_UNSUPPORTED' });
  expect(target.connections.opened).toBe(0);
});

test('goes without the pool where that is allowed', async () => {
  const target = await lab(startTarget());
  const proxy = await lab(startHttpProxy());
  const pool = createPool({ proxies: [proxy.url] });
  const http = withPool(axios.create(), pool, { allowDirect: true });
  expect((await http.get(`${target.url}/status/200`, { pool: false })).status).toBe(200);
  expect(proxy.requests).toHaveLength(0);
});

test('each retry of axios-retry takes another endpoint, and its config is still the one that was sent', async () => {
  const target = await lab(startTarget());
  const proxies = await Promise.all([1, 2, 3, 4].map(() => lab(startHttpProxy())));
  const { http, pool } = clientOver(...proxies);
  const endpoints: string[] = [];
  pool.on('leased', ({ endpoint }) => endpoints.push(endpoint));
  axiosRetry(http, { retries: 3, retryDelay: () => 1 });
  const config = { pool: { maxAttempts: 1, tags: [] } };
  const error: unknown = await http.get(`${target.url}/status/503`, config).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ response: { status: 503 }, config: { pool: config.pool } });
  expect(error).not.toHaveProperty('config.httpAgent');
  expect(new Set(endpoints).size).toBe(4);
  expect(config).toEqual({ pool: { maxAttempts: 1, tags: [] } });
});

test("the pool's classifier sees as much of the body as was asked for, and its verdict counts", async () => {
  const target = await lab(startTarget());
  const seen: (Uint8Array | undefined)[] = [];
  const pool = createPool({
    // A pair that was denied rests a while.
    proxies: [(await lab(startHttpProxy())).url, (await lab(startHttpProxy())).url],
    classify: (outcome) => {
      if (outcome.kind === 'response') seen.push(outcome.bodyPrefix);
      return 'denied';
    },
  });
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  await withPool(axios.create(), pool, { bodyBytes: 6 }).get(`${target.url}/gzip/1000`);
  await withPool(axios.create(), pool).get(`${target.url}/gzip/1000`);
  expect(seen.map((prefix) => prefix && Buffer.from(prefix).toString())).toEqual(['000000', undefined]);
  expect(verdicts).toEqual(['denied', 'denied']);
});

test('the target of a request is what axios makes of url and baseURL', async () => {
  const target = await lab(startTarget());
  const { pool } = clientOver(await lab(startHttpProxy()));
  const http = withPool(axios.create({ baseURL: `${target.url}/status` }), pool);
  const targets: string[] = [];
  pool.on('leased', (event) => targets.push(event.target));
  await http.get('/200');
  await http.get(`${target.url}/status/200`, { params: { a: 1 } });
  expect(targets).toEqual([new URL(target.url).host, new URL(target.url).host]);
  await expect(http.get('http://')).rejects.toMatchObject({ code: 'INVALID_TARGET' });
});

test('an answer that was to be replaced is delivered when every proxy after it is dead', async () => {
  const target = await lab(startTarget());
  const living = await lab(startHttpProxy());
  const { http, pool } = clientOver(living, await lab(startFault('http', 'refuse-tcp')));
  const request = http.get(`${target.url}/status/503`, { pool: { avoid: [pool.stats().endpoints[1]!.id] } });
  await expect(request).rejects.toMatchObject({ response: { status: 503 } });
  expect(pool.stats()).toMatchObject({ replayed: 1, inFlight: 0 });
});

test('the classifier sees the first of a stream, and its reader all of it', async () => {
  const target = await lab(startTarget());
  const seen: (string | undefined)[] = [];
  const pool = createPool({
    proxies: [(await lab(startHttpProxy())).url],
    classify: (outcome) => {
      if (outcome.kind === 'response') seen.push(Buffer.from(outcome.bodyPrefix ?? '').toString());
      return undefined;
    },
  });
  open.push(pool);
  const http = withPool(axios.create({ responseType: 'stream' }), pool, { bodyBytes: 6 });
  const { data } = await http.get<Readable>(`${target.url}/gzip/100000`);
  expect(await text(data)).toBe('0'.repeat(100_000));
  expect(new Set(seen)).toEqual(new Set(['000000']));
  const dropped = await http.get<Readable>(`${target.url}/slow`);
  dropped.data.destroy();
  while (pool.stats().inFlight > 0) await new Promise(setImmediate);
  expect(pool.stats()).toMatchObject({ succeeded: 1 });
});

test('a cancelToken is heard while the request waits in line', async () => {
  const target = await lab(startTarget());
  const pool = createPool({ proxies: [{ url: (await lab(startHttpProxy())).url, maxInFlight: 1 }] });
  open.push(pool);
  const http = withPool(axios.create(), pool);
  const place = await pool.acquire({ target: target.url });
  const { token, cancel } = axios.CancelToken.source();
  const waiting = http.get(`${target.url}/status/200`, { cancelToken: token });
  waiting.catch(() => undefined);
  while (pool.stats().waiting === 0) await new Promise(setImmediate);
  cancel('no longer wanted');
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_CANCELED', message: 'no longer wanted' });
  expect(pool.stats().waiting).toBe(0);
  place[Symbol.dispose]();
});

test('rules of the policy see the path of a request', async () => {
  const target = await lab(startTarget());
  const pool = createPool({
    proxies: [(await lab(startHttpProxy())).url],
    policy: { targets: [{ match: `${new URL(target.url).hostname}/echo`, name: 'the api' }] },
  });
  open.push(pool);
  const targets: string[] = [];
  pool.on('leased', (event) => targets.push(event.target));
  const http = withPool(axios.create({ baseURL: `${target.url}/echo` }), pool);
  await http.get('/items');
  await http.get(`${target.url}/status/200`);
  await http.get(`${target.url}/redirect?to=/echo/other`);
  expect(targets).toEqual(['the api', new URL(target.url).host, new URL(target.url).host]);
});

test('an unknown option is refused, and the nearest one named', async () => {
  const { pool } = clientOver(await lab(startHttpProxy()));
  expect(() => withPool(axios.create(), pool, { allowdirect: true } as object)).toThrow("did you mean 'allowDirect'?");
});

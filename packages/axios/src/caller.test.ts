import { getEventListeners } from 'node:events';
import { createPool } from '@fairlead/core';
import { startFault, startHttpProxy, startTarget } from '@fairlead/lab';
import axios, { type AxiosRequestConfig } from 'axios';
import axiosRetry from 'axios-retry';
import { afterEach, expect, test } from 'vitest';
import { poolInfo, withPool } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** A request in line behind a lease that stays out. */
async function waiting(config: AxiosRequestConfig) {
  const [target, proxy] = [await startTarget(), await startHttpProxy()];
  const pool = createPool({ proxies: [{ url: proxy.url, maxInFlight: 1 }] });
  open.push(target, proxy, pool);
  await pool.acquire({ target: target.url });
  const failed = withPool(axios.create(), pool)
    .get(target.url, config)
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  while (pool.stats().waiting === 0) await new Promise(setImmediate);
  return { pool, failed };
}

test("axios's own timeout bounds the wait for a proxy too", async () => {
  const { pool, failed } = await waiting({ timeout: 50 });
  const error = await failed;
  expect(error).toMatchObject({ name: 'AxiosError', code: 'ECONNABORTED', message: 'timeout of 50ms exceeded' });
  expect(poolInfo(error)).toMatchObject({ attempts: 0, endpoint: undefined });
  expect(pool.stats().waiting).toBe(0);
});

test('a signal that is none of Node is heard in line too', async () => {
  let abort = (): void => undefined;
  const signal = {
    aborted: false,
    addEventListener: (_: string, listener: () => void) => void (abort = listener),
    removeEventListener: () => undefined,
  };
  const { failed } = await waiting({ signal });
  abort();
  const error = await failed;
  expect(error).toMatchObject({ code: 'ERR_CANCELED' });
  expect(poolInfo(error)).toMatchObject({ attempts: 0 });
});

test('a token is heard in line', async () => {
  const { cancel, token } = axios.CancelToken.source();
  const { failed } = await waiting({ cancelToken: token });
  cancel('not now');
  expect(await failed).toMatchObject({ code: 'ERR_CANCELED', message: 'not now' });
});

test('a token and a signal that live on are not listened to when the request is over', async () => {
  const [target, proxy] = [await startTarget(), await startHttpProxy()];
  const pool = createPool({ proxies: [proxy.url] });
  open.push(target, proxy, pool);
  const { token } = axios.CancelToken.source();
  const { signal } = new AbortController();
  await withPool(axios.create(), pool).get(target.url, { cancelToken: token, signal });
  expect((token as unknown as { _listeners: unknown[] })._listeners).toEqual([]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an error of the pool has the config that interceptors look for, and axios-retry sends it again', async () => {
  const [target, dead] = [await startTarget(), await startFault('http', 'refuse-tcp')];
  const pool = createPool({ proxies: [dead.url] });
  open.push(target, dead, pool);
  const http = axios.create();
  axiosRetry(withPool(http, pool), { retries: 2, retryDelay: () => 1 });
  const leased: unknown[] = [];
  pool.on('leased', (lease) => leased.push(lease));
  const error = await http.get(`${target.url}/x`).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'RETRIES_EXHAUSTED', config: { url: `${target.url}/x` } });
  expect(leased).toHaveLength(3);
});

test('errors that axios makes of an answer tell who carried it', async () => {
  const [first, second, proxy] = [await startTarget(), await startTarget(), await startHttpProxy()];
  const pool = createPool({ proxies: [proxy.url] });
  open.push(first, second, proxy, pool);
  const http = withPool(axios.create(), pool);
  const { id } = pool.stats().endpoints[0]!;
  const to = encodeURIComponent(`${second.url}/status/200`);
  const many = await http.get(`${first.url}/redirect?to=${to}`, { maxRedirects: 1 }).catch((error: unknown) => error);
  expect(many).toMatchObject({ code: 'ERR_FR_TOO_MANY_REDIRECTS' });
  expect(poolInfo(many)).toMatchObject({ endpoint: id, attempts: 1 });
  const config: AxiosRequestConfig = { responseType: 'json', transitional: { silentJSONParsing: false } };
  const garbled = await http.get(`${first.url}/status/200`, config).catch((error: unknown) => error);
  expect(garbled).toMatchObject({ name: 'SyntaxError' });
  expect(poolInfo(garbled)).toMatchObject({ endpoint: id, attempts: 1 });
});

test('a name in `pool` that nobody reads is refused, whatever it is called', async () => {
  const pool = createPool({ proxies: ['http://127.0.0.1:9'] });
  open.push(pool);
  const http = withPool(axios.create(), pool);
  for (const name of ['terms', 'failed', 'sesion']) {
    const request = http.get('http://shop.example', { pool: { [name]: 'x' } as object });
    await expect(request).rejects.toMatchObject({ code: 'UNKNOWN_OPTION' });
  }
});

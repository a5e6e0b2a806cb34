import { createPool, type PoolOptions } from '@fairlead/core';
import { startHttpProxy, startTarget } from '@fairlead/lab';
import axios, { type AxiosRequestConfig } from 'axios';
import { afterEach, expect, test } from 'vitest';
import { withPool } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function scene(options: PoolOptions = {}, bodyBytes = 0) {
  const [target, ...proxies] = await Promise.all([startTarget(), startHttpProxy(), startHttpProxy()]);
  const pool = createPool({ ...options, proxies: proxies.map(({ url }) => url) });
  open.push(target, ...proxies, pool);
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  return { target, pool, verdicts, http: withPool(axios.create(), pool, { bodyBytes }) };
}

test.each([null, () => false])(
  'a stream that breaks before the classifier has its bytes is a failed attempt, and is sent again',
  async (validateStatus) => {
    const { target, http, pool, verdicts } = await scene({}, 5000);
    const config: AxiosRequestConfig = { responseType: 'stream', validateStatus, pool: { maxAttempts: 2 } };
    const error: unknown = await http.get(`${target.url}/reset-body/500`, config).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ isAxiosError: true, code: 'ECONNRESET' });
    expect(target.requests).toHaveLength(2);
    expect(verdicts).toEqual(['unclear', 'unclear']);
    expect(pool.stats().inFlight).toBe(0);
  },
);

test.each(['abc', -1])('a timeout of %j is refused before anything is asked for', async (timeout) => {
  const { target, http, pool, verdicts } = await scene();
  const request = http.get(target.url, { timeout: timeout as number });
  await expect(request).rejects.toMatchObject({ code: 'ERR_BAD_OPTION_VALUE' });
  expect(pool.stats()).toMatchObject({ inFlight: 0, waiting: 0 });
  expect(verdicts).toEqual([]);
});

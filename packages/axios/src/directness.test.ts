import { createPool } from '@fairlead/core';
import { startHttpProxy, startTarget, type LabServer, type ProxyServer, type Target } from '@fairlead/lab';
import axios, { type AxiosInstance } from 'axios';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { attachPool, withPool } from './index.js';

const open: { close(): Promise<void> }[] = [];
let target: Target;
let proxy: ProxyServer;

beforeEach(async () => {
  [target, proxy] = await Promise.all([startTarget(), startHttpProxy()]);
  open.push(target, proxy);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function poolOver(...proxies: readonly LabServer[]) {
  const pool = createPool({ proxies: proxies.map(({ url }) => url) });
  open.push(pool);
  return pool;
}

function pooled(instance: AxiosInstance = axios.create()): AxiosInstance {
  return withPool(instance, poolOver(proxy));
}

/** Every connection that the target sees has to be one of the proxy's tunnels. */
async function carriedOrRefused(request: Promise<unknown>): Promise<'carried' | 'refused'> {
  const before = target.requests.length;
  const code = await request.then(
    () => undefined,
    (error: { code?: unknown }) => error.code,
  );
  expect(target.connections.opened).toBe(proxy.requests.length);
  expect(target.requests.length - before).toBe(code === undefined ? 1 : 0);
  if (code !== undefined) expect(code).toBe('POLICY_UNSUPPORTED');
  return code === undefined ? 'carried' : 'refused';
}

test('an instance created from one with a pool has that pool, and so have those created from it', async () => {
  const child = pooled()
    .create({ headers: { 'x-child': '1' } })
    .create();
  expect(await carriedOrRefused(child.get(`${target.url}/status/200`))).toBe('carried');
});

test('nor can such an instance be led past it', async () => {
  const child = pooled().create({ adapter: 'fetch' });
  expect(await carriedOrRefused(child.get(`${target.url}/status/200`))).toBe('refused');
});

test('such an instance can be given another pool', async () => {
  const other = await startHttpProxy();
  open.push(other);
  const child = withPool(pooled().create(), poolOver(other));
  await child.get(`${target.url}/status/200`);
  expect([proxy.requests.length, other.requests.length]).toEqual([0, 1]);
});

test.each(['before', 'after'] as const)(
  'an interceptor registered %s ours cannot choose another adapter',
  async (when) => {
    const answers: string[] = [];
    for (const adapter of ['fetch', 'http', axios.getAdapter('fetch')]) {
      for (const copies of [true, false]) {
        const http = axios.create();
        const choose = () =>
          http.interceptors.request.use((config) =>
            copies ? { ...config, adapter } : Object.assign(config, { adapter }),
          );
        if (when === 'before') choose();
        attachPool(http, poolOver(proxy));
        if (when === 'after') choose();
        answers.push(await carriedOrRefused(http.get(`${target.url}/status/200`)));
      }
    }
    expect(answers).toEqual(['refused', 'refused', 'carried', 'carried', 'refused', 'refused']);
  },
);

test('a synchronous interceptor that throws breaks off the chain, and the request still goes through the pool', async () => {
  const http = pooled();
  const broken = (): never => {
    throw new Error('cannot sign');
  };
  http.interceptors.request.use(broken, () => undefined, { synchronous: true });
  expect(await carriedOrRefused(http.get(`${target.url}/status/200`))).toBe('carried');
});

test('taking all interceptors off leaves the pool on', async () => {
  const http = axios.create();
  const { detach } = attachPool(http, poolOver(proxy));
  http.interceptors.request.clear();
  expect(await carriedOrRefused(http.get(`${target.url}/status/200`))).toBe('carried');
  detach();
  await http.get(`${target.url}/status/200`);
  expect(proxy.requests).toHaveLength(1);
});

test("axios's own fetch adapter, given as a function, is refused", async () => {
  const config = { adapter: axios.getAdapter('fetch') };
  expect(await carriedOrRefused(pooled().get(`${target.url}/status/200`, config))).toBe('refused');
});

test('a config that failed goes through the pool again, whoever sends it', async () => {
  const http = pooled();
  const error: unknown = await http.get(`${target.url}/status/404`).catch((reason: unknown) => reason);
  const { config } = error as { config: object };
  await axios(config).catch(() => undefined);
  expect(target.requests).toHaveLength(2);
  expect(target.connections.opened).toBe(proxy.requests.length);
});

test('a second pool on one instance is refused', () => {
  const http = pooled();
  expect(() => attachPool(http, poolOver(proxy))).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});

test("a word is no permission to connect directly: 'false'", () => {
  const options = { allowDirect: 'false' } as unknown as { allowDirect: boolean };
  expect(() => withPool(axios.create(), poolOver(proxy), options)).toThrow('allowDirect');
});

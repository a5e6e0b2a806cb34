import { Agent, request as httpRequest } from 'node:http';
import { createPool } from '@fairlead/core';
import { startHttpProxy, startTarget, type LabServer } from '@fairlead/lab';
import got, { type BeforeRequestHook, type OptionsInit } from 'got';
import { afterEach, expect, test } from 'vitest';
import { gotHooks, gotPool, poolInfo } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function lab<T extends LabServer>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  open.push(server);
  return server;
}

async function poolOver(count: number, options: Parameters<typeof createPool>[0] = {}) {
  const proxies = await Promise.all(Array.from({ length: count }, () => lab(startHttpProxy())));
  const pool = createPool({ ...options, proxies: proxies.map(({ url }) => url) });
  open.push(pool);
  const endpoints: string[] = [];
  pool.on('leased', ({ endpoint }) => endpoints.push(endpoint));
  return { pool, proxies, endpoints };
}

test('keeps the promise that got returns: its shortcuts and its cancel', async () => {
  const target = await lab(startTarget());
  const { pool } = await poolOver(1);
  const client = got.extend(gotPool(pool));
  const context = { pool: { session: 'cart-42' } };
  expect(await client(`${target.url}/echo`, { context }).json()).toMatchObject({ method: 'GET' });
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  const hanging = client(`${target.url}/hang`);
  const settled = new Promise((resolve) => pool.on('settled', resolve));
  pool.on('leased', () => setImmediate(() => hanging.cancel()));
  await expect(hanging).rejects.toMatchObject({ code: 'ERR_CANCELED' });
  await settled;
  expect(verdicts).toEqual(['abandoned']);
});

test('an error that got throws for a status tells who carried the answer', async () => {
  const target = await lab(startTarget());
  const { pool, endpoints } = await poolOver(2);
  const client = got.extend(gotPool(pool));
  const error: unknown = await client(`${target.url}/status/404`).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'HTTPError' });
  expect(poolInfo(error)).toMatchObject({ endpoint: endpoints[0], attempts: 1 });
});

test('each page of a pagination takes a lease of its own', async () => {
  const target = await lab(startTarget());
  const { pool, endpoints } = await poolOver(2);
  const client = got.extend(gotPool(pool));
  const pages = client.paginate(`${target.url}/echo?page=1`, {
    responseType: 'json',
    pagination: {
      requestLimit: 3,
      transform: ({ body }) => [body],
      paginate: ({ response }) => ({ url: new URL(response.url.replace(/\d+$/, (page) => String(Number(page) + 1))) }),
    },
  });
  const paths: unknown[] = [];
  for await (const page of pages) paths.push((page as { path: string }).path);
  expect(paths).toEqual(['/echo?page=1', '/echo?page=2', '/echo?page=3']);
  expect(endpoints).toHaveLength(3);
  expect(pool.stats()).toMatchObject({ succeeded: 3, inFlight: 0 });
});

test.each<[string, OptionsInit]>([
  ['own agent', { agent: { http: new Agent() } }],
  ['http2', { http2: true }],
  ['own request', { request: () => undefined }],
  ['pool: false', { context: { pool: false } }],
])('refuses what would connect past the pool: %s', async (_, options) => {
  const target = await lab(startTarget());
  const { pool } = await poolOver(1);
  const client = got.extend(gotPool(pool));
  await expect(client(target.url, options as object)).rejects.toMatchObject({ code: 'POLICY_UNSUPPORTED' });
  expect(target.connections.opened).toBe(0);
  expect(pool.stats().inFlight).toBe(0);
});

test.each<[string, BeforeRequestHook]>([
  ['an agent', (options) => void (options.agent = { http: new Agent() })],
  ['an agent in the place of ours', (options) => void (options.agent.http = new Agent())],
  ['a request function', (options) => void (options.request = httpRequest)],
  ['http2', (options) => void (options.http2 = true)],
])('refuses what a later hook would put past the pool: %s', async (_, beforeRequest) => {
  const target = await lab(startTarget());
  const { pool } = await poolOver(1);
  for (const extension of [gotPool(pool), gotHooks(pool)]) {
    const client = got.extend(extension, { hooks: { beforeRequest: [beforeRequest] } });
    await expect(client(`${target.url}/redirect?to=/status/200`)).rejects.toMatchObject({ code: 'POLICY_UNSUPPORTED' });
  }
  expect(target.connections.opened).toBe(0);
});

test('refuses a policy that hedges', async () => {
  const { pool } = await poolOver(1, { policy: { hedge: { perAttempt: 0.1 } } });
  expect(() => gotPool(pool)).toThrow(expect.objectContaining({ code: 'POLICY_UNSUPPORTED' }));
});

test('refuses it too where it comes later, or by a rule', async () => {
  const target = await lab(startTarget());
  const { pool } = await poolOver(2);
  const client = got.extend(gotPool(pool));
  pool.update({ policy: { race: { paths: 2 } } });
  await expect(client(target.url)).rejects.toMatchObject({ code: 'POLICY_UNSUPPORTED' });
  pool.update({ policy: { targets: [{ match: '127.0.0.1', hedge: { perAttempt: 1 } }] } });
  await expect(client(target.url)).rejects.toMatchObject({ code: 'POLICY_UNSUPPORTED' });
  expect([target.connections.opened, pool.stats().inFlight]).toEqual([0, 0]);
});

test('goes without the pool where that is allowed', async () => {
  const target = await lab(startTarget());
  const { pool, proxies } = await poolOver(1);
  const client = got.extend(gotPool(pool, { allowDirect: true }));
  const { statusCode } = await client(`${target.url}/status/200`, { context: { pool: false } });
  expect(statusCode).toBe(200);
  expect(proxies[0]?.requests).toHaveLength(0);
});

test("the pool's classifier sees as much of the decoded body as was asked for", async () => {
  const target = await lab(startTarget());
  const seen: string[] = [];
  const { pool, endpoints } = await poolOver(2, {
    policy: 'rotate',
    classify: (outcome) => {
      if (outcome.kind !== 'response') return undefined;
      seen.push(Buffer.from(outcome.bodyPrefix ?? []).toString());
      return seen.length === 1 ? 'denied' : undefined;
    },
  });
  const client = got.extend(gotPool(pool, { bodyBytes: 4 }));
  await client(`${target.url}/gzip/1000`);
  expect(seen[0]).toBe('0000');
  expect(endpoints).toHaveLength(1);
});

test("a retry that the user's own rule asks for prefers another endpoint", async () => {
  const target = await lab(startTarget());
  const { pool, endpoints } = await poolOver(3);
  const own = { retry: { calculateDelay: ({ attemptCount }: { attemptCount: number }) => (attemptCount < 3 ? 1 : 0) } };
  const client = got.extend(gotPool(pool), own);
  const context = { pool: { maxAttempts: 1 } };
  await client(`${target.url}/status/503`, { context }).catch(() => undefined);
  expect(new Set(endpoints).size).toBe(3);
});

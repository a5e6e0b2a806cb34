import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { createPool, type Verdict } from '@fairlead/core';
import { startFault, startHttpProxy, startTarget, type LabServer } from '@fairlead/lab';
import got from 'got';
import { afterEach, expect, test } from 'vitest';
import { gotHooks, gotPool, poolInfo } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const BOTH = [
  ['gotPool', gotPool],
  ['gotHooks', gotHooks],
] as const;

async function scene(extend: typeof gotPool | typeof gotHooks, maxInFlight = 10, proxies?: readonly LabServer[]) {
  const target = await startTarget();
  const servers = proxies ?? [await startHttpProxy()];
  const pool = createPool({ proxies: servers.map(({ url }) => ({ url, maxInFlight })) });
  open.push(target, ...servers, pool);
  const verdicts: Verdict[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  return { target, pool, verdicts, client: got.extend(extend(pool)) };
}

async function inLine(pool: { stats(): { waiting: number } }): Promise<void> {
  while (pool.stats().waiting === 0) await new Promise(setImmediate);
}

function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test('a promise that is cancelled in line leaves it', async () => {
  const { target, pool, client } = await scene(gotPool, 1);
  const lease = await pool.acquire({ target: target.url });
  const waiting = client(target.url);
  const failed = errorOf(waiting);
  await inLine(pool);
  waiting.cancel();
  const error = await failed;
  expect(error).toMatchObject({ code: 'ERR_CANCELED' });
  expect(poolInfo(error)).toMatchObject({ attempts: 0 });
  expect(pool.stats().waiting).toBe(0);
  lease[Symbol.dispose]();
});

test.each(BOTH)("%s: got's own timeout bounds the wait for a proxy too", async (_, extend) => {
  const { target, pool, client } = await scene(extend, 1);
  await pool.acquire({ target: target.url });
  const error = await errorOf(client(target.url, { timeout: { request: 50 } }));
  expect(error).toMatchObject({ code: 'ETIMEDOUT' });
  expect(poolInfo(error)).toMatchObject({ attempts: 0 });
  expect(pool.stats().waiting).toBe(0);
});

test('who carried a stream is known of the stream, of its answer and of its error', async () => {
  const { target, pool, client } = await scene(gotPool);
  const stream = client.stream(`${target.url}/status/200`);
  const [response] = (await once(stream, 'response')) as [object];
  const { id } = pool.stats().endpoints[0]!;
  expect(poolInfo(response)).toMatchObject({ endpoint: id });
  await text(stream);
  expect(poolInfo(stream)).toMatchObject({ endpoint: id, attempts: 1 });
  const controller = new AbortController();
  const failed = errorOf(client(`${target.url}/hang`, { signal: controller.signal }));
  while (target.requests.length < 2) await new Promise(setImmediate);
  controller.abort();
  expect(poolInfo(await failed)).toMatchObject({ endpoint: id });
});

test.each(BOTH)('%s: a stream that was answered 201 with a Location is at its end', async (_, extend) => {
  const { target, pool, verdicts, client } = await scene(extend);
  await text(client.stream(`${target.url}/redirect?status=201&to=/status/200`));
  expect([verdicts, pool.stats().inFlight]).toEqual([['success'], 0]);
});

test.each(BOTH)('%s: a redirect too many gives its proxy back', async (_, extend) => {
  const { target, pool, verdicts, client } = await scene(extend);
  const to = encodeURIComponent('/redirect?to=/status/200');
  const error = await errorOf(client(`${target.url}/redirect?to=${to}`, { maxRedirects: 1 }));
  expect(error).toMatchObject({ name: 'MaxRedirectsError' });
  expect([verdicts, pool.stats().inFlight]).toEqual([['final'], 0]);
});

test.each(BOTH)('%s: a later hook that throws gives the proxy back, and nobody is blamed', async (_, extend) => {
  const { target, pool, verdicts, client } = await scene(extend);
  const throwing = client.extend({
    hooks: {
      beforeRequest: [
        () => {
          throw new Error('no');
        },
      ],
    },
  });
  await errorOf(throwing(target.url));
  expect([verdicts, pool.stats().inFlight]).toEqual([['abandoned'], 0]);
});

test.each(BOTH)('%s: a whole answer is good, however late it is read', async (_, extend) => {
  const { target, verdicts, client } = await scene(extend);
  const stream = client.stream(`${target.url}/bytes/2000`, { headers: { connection: 'close' } });
  await once(stream, 'response');
  while (target.connections.open > 0) await new Promise(setImmediate);
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
  expect(verdicts).toEqual([]);
  expect(await text(stream)).toHaveLength(2000);
  expect(verdicts).toEqual(['success']);
});

test('the options of one answer serve for another request', async () => {
  const { target, client } = await scene(gotPool);
  const first = await client(`${target.url}/status/200`);
  const again = await client(`${target.url}/status/204`, { agent: first.request.options.agent as object });
  expect(again.statusCode).toBe(204);
});

test('a request whose body is gone is counted as ended', async () => {
  const { target, pool, client } = await scene(gotPool, 10, [
    await startFault('http', 'refuse-tcp'),
    await startHttpProxy(),
  ]);
  const [dead] = pool.stats().endpoints;
  const others = pool
    .stats()
    .endpoints.slice(1)
    .map(({ id }) => id);
  const context = { pool: { avoid: others } };
  async function* once() {
    yield Buffer.from('x');
  }
  const error = await errorOf(client.post(target.url, { body: once(), context }));
  expect(poolInfo(error)).toMatchObject({ tried: [dead!.id] });
  expect(pool.stats().tasks).toMatchObject({ failed: 1 });
});

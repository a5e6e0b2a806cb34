import { gunzipSync } from 'node:zlib';
import { createPool } from '@fairlead/core';
import { startFault, startHttpProxy, startTarget, type LabServer } from '@fairlead/lab';
import { Agent, interceptors, request } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { createFetch, poolDispatcher, poolInfo, poolInterceptor } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function lab<T extends LabServer>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  open.push(server);
  return server;
}

async function poolOver(count: number) {
  const proxies = await Promise.all(Array.from({ length: count }, () => lab(startHttpProxy())));
  const pool = createPool({ proxies: proxies.map(({ url }) => url) });
  open.push(pool);
  const endpoints: string[] = [];
  pool.on('leased', ({ endpoint }) => endpoints.push(endpoint));
  return { pool, proxies, endpoints };
}

test("each retry of undici's retry interceptor takes another endpoint", async () => {
  const target = await lab(startTarget());
  const { pool, endpoints } = await poolOver(3);
  const retry = interceptors.retry({ maxRetries: 2, minTimeout: 1, statusCodes: [503] });
  const dispatcher = poolDispatcher(pool).compose(retry);
  const options = { dispatcher, pool: { maxAttempts: 1 } };
  await request(`${target.url}/status/503`, options).catch(() => undefined);
  expect(target.requests).toHaveLength(3);
  expect(new Set(endpoints).size).toBe(3);
});

test('what a handler refuses by throwing at the head of an answer was an answer all the same', async () => {
  const target = await lab(startTarget());
  const { pool } = await poolOver(2);
  const retry = interceptors.retry({ maxRetries: 3, minTimeout: 1, maxTimeout: 1, statusCodes: [429] });
  const dispatcher = poolDispatcher(pool).compose(retry);
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  await request(`${target.url}/status/429?retry-after=120`, { dispatcher }).catch(() => undefined);
  expect([target.requests.length, verdicts]).toEqual([1, ['throttled']]);

  const other = await lab(startTarget());
  const refusing = {
    onRequestStart: () => undefined,
    onResponseStart: () => {
      throw new Error('not this one');
    },
  };
  const heard = new Promise((resolve) => {
    const options = { origin: other.url, path: '/status/403', method: 'GET' } as const;
    poolDispatcher(pool).dispatch(options, { ...refusing, onResponseError: (_, error) => resolve(error.message) });
  });
  expect(await heard).toBe('not this one');
  expect(verdicts).toEqual(['throttled', 'denied']);
});

test("Node's own fetch takes the dispatcher, whose handlers are those of an older undici", async () => {
  const target = await lab(startTarget());
  const { pool, proxies } = await poolOver(1);
  const dispatcher = poolDispatcher(pool);
  const response = await fetch(`${target.url}/echo`, {
    dispatcher,
    method: 'POST',
    body: 'x',
  } as unknown as RequestInit);
  expect(await response.json()).toMatchObject({ method: 'POST', body: 'x' });
  expect(proxies[0]?.requests).toHaveLength(1);
  expect(pool.stats()).toMatchObject({ succeeded: 1, inFlight: 0 });
});

test('as an interceptor it leaves the dispatcher below alone', async () => {
  const target = await lab(startTarget());
  const { pool, proxies } = await poolOver(1);
  const below = new Agent();
  const dispatcher = below.compose(poolInterceptor(pool));
  const { body } = await request(target.url, { dispatcher });
  await body.dump();
  expect(proxies[0]?.requests).toHaveLength(1);
  expect(target.connections.opened).toBe(1);
});

test.each([
  ['pool: false', { pool: false as const }],
  ['own dispatcher', { dispatcher: new Agent() }],
])('fetch refuses what would connect past the pool: %s', async (_, init) => {
  const target = await lab(startTarget());
  const { pool } = await poolOver(1);
  const error: unknown = await createFetch(pool)(target.url, init).catch((reason: unknown) => reason);
  expect((error as { cause?: unknown }).cause ?? error).toMatchObject({ code: 'POLICY_UNSUPPORTED' });
  expect(target.connections.opened).toBe(0);
});

test('goes without the pool where that is allowed', async () => {
  const target = await lab(startTarget());
  const { pool, proxies } = await poolOver(1);
  const answer = await createFetch(pool, { allowDirect: true })(`${target.url}/status/200`, { pool: false });
  expect(answer.status).toBe(200);
  expect(proxies[0]?.requests).toHaveLength(0);
});

test('a text given to fetch is sent again, though fetch makes a stream of it', async () => {
  const target = await lab(startTarget());
  const { pool } = await poolOver(2);
  const init = { method: 'PUT', body: 'again', pool: { maxAttempts: 2 } };
  const answer = await createFetch(pool)(`${target.url}/status/503`, init);
  expect(target.requests).toHaveLength(2);
  expect(poolInfo(answer)).toMatchObject({ attempts: 2 });
});

test('an error of fetch tells what was tried', async () => {
  const target = await lab(startTarget());
  const dead = await lab(startFault('http', 'refuse-tcp'));
  const pool = createPool({ proxies: [dead.url] });
  const error: unknown = await createFetch(pool)(target.url).catch((reason: unknown) => reason);
  expect(poolInfo(error)).toMatchObject({ attempts: 0, reroutes: 1, tried: [pool.stats().endpoints[0]?.id] });
});

test.each(['identity', 'gzip'])(
  "the pool's classifier sees as much of the body as was asked for, decoded, and the caller all of it: %s",
  async (encoding) => {
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
    const dispatcher = poolDispatcher(pool, { bodyBytes: 6 });
    const path = encoding === 'gzip' ? '/gzip/1000' : '/status/200';
    const { body, headers } = await request(`${target.url}${path}`, { dispatcher });
    const whole = Buffer.from(await body.arrayBuffer());
    const text = headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole;
    expect(text.toString()).toBe(encoding === 'gzip' ? '0'.repeat(1000) : 'status 200\n');
    expect(new Set(seen)).toEqual(new Set([encoding === 'gzip' ? '000000' : 'status']));
    const empty = await request(`${target.url}/status/204`, { dispatcher });
    expect(empty.statusCode).toBe(204);
    await empty.body.dump();
    expect(pool.stats()).toMatchObject({ succeeded: 2, inFlight: 0 });
  },
);

test('an unknown option is refused, and the nearest one named', async () => {
  const { pool } = await poolOver(1);
  expect(() => poolDispatcher(pool, { bodyByte: 1 } as object)).toThrow("did you mean 'bodyBytes'?");
});

test.each<[string, unknown]>([
  ['reuse', 'sessions'],
  ['maxAgents', 0],
  ['bodyBytes', '100'],
  ['allowDirect', 'false'],
])('a value of %s that cannot be meant is refused at once: %j', async (key, value) => {
  const { pool } = await poolOver(1);
  expect(() => poolDispatcher(pool, { [key]: value })).toThrow(expect.objectContaining({ item: key }));
});

test('agents that undici will not make end the request, its lease, and nothing else', async () => {
  const target = await lab(startTarget());
  const { pool } = await poolOver(2);
  const dispatcher = createFetch(pool, { agent: { connections: -1 } });
  const error: unknown = await dispatcher(target.url).catch((reason: unknown) => reason);
  expect((error as { cause?: unknown }).cause).toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
  expect(pool.stats()).toMatchObject({ inFlight: 0, succeeded: 0 });
});

test('a dispatcher that is closed finishes what is under way, and takes nothing more', async () => {
  const target = await lab(startTarget());
  const { pool, proxies } = await poolOver(1);
  const dispatcher = poolDispatcher(pool);
  const { body } = await request(`${target.url}/bytes/5000000`, { dispatcher });
  let closed = false;
  const closing = dispatcher.close().then(() => (closed = true));
  await expect(request(target.url, { dispatcher })).rejects.toMatchObject({ code: 'UND_ERR_CLOSED' });
  expect(closed).toBe(false);
  expect((await body.arrayBuffer()).byteLength).toBe(5_000_000);
  await closing;
  expect(target.requests).toHaveLength(1);
  while (proxies[0]!.connections.open > 0) await new Promise(setImmediate);
});

test('one that is destroyed ends what is under way, and blames nobody', async () => {
  const target = await lab(startTarget());
  const { pool } = await poolOver(1);
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  const [dispatcher, other] = [poolDispatcher(pool), poolDispatcher(pool)];
  const failed = request(`${target.url}/hang`, { dispatcher }).catch((reason: unknown) => reason);
  while (target.requests.length === 0) await new Promise(setImmediate);
  const why = new Error('enough');
  await dispatcher.destroy(why);
  expect(await failed).toBe(why);
  expect(verdicts).toEqual(['abandoned']);
  const { statusCode, body } = await request(`${target.url}/status/200`, { dispatcher: other });
  await body.dump();
  expect(statusCode).toBe(200);
});

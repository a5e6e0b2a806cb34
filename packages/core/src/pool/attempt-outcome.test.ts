import { expect, test } from 'vitest';
import { manualClock } from '../testing/manual-clock.js';
import { seededRandom } from '../testing/seeded-random.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';

function setUp(count = 6) {
  const proxies = Array.from({ length: count }, (_, index) => `http://p${index}:8080`);
  const pool = createPool({ proxies, clock: manualClock(), random: seededRandom(1) });
  return { pool, suspendedForMs: () => pool.explain({ target }).suspendedForMs };
}

const asked = { 'retry-after': '300' };

test.each([
  ['the platform', { status: 429, headers: new Headers(asked) }],
  ['axios', { status: 429, headers: { get: (name: string) => asked[name as 'retry-after'] } }],
  ['got', { statusCode: 429, headers: asked }],
  ['one that keeps the case', { status: 429, headers: { 'Retry-After': '300' } }],
  ['one that makes lists', { status: 429, headers: { 'retry-after': ['300'] } }],
])('an answer of %s is read with its Retry-After, returned or thrown', async (_, response) => {
  const [returned, thrown] = [setUp(), setUp()];
  await returned.pool.run({ target }, () => response);
  expect(returned.suspendedForMs()).toBe(300_000);
  const error = Object.assign(new Error('429'), { response });
  await expect(thrown.pool.run({ target }, () => Promise.reject(error))).rejects.toBe(error);
  expect(thrown.suspendedForMs()).toBe(300_000);
  expect(thrown.pool.stats()).toMatchObject({ attempts: 1, requeued: 0 });
});

test('a 403 that a client throws is an answer: delivered, and no exit after exit', async () => {
  for (const extra of [
    { response: { status: 403, headers: {} } },
    { response: { status: 403 } },
    { statusCode: 403, headers: {} },
  ]) {
    const { pool } = setUp();
    const error = Object.assign(new Error('403'), extra);
    let attempts = 0;
    const result = pool.run({ target }, () => {
      attempts += 1;
      throw error;
    });
    await expect(result).rejects.toBe(error);
    expect([attempts, pool.stats().proxies.healthy]).toEqual([1, 6]);
  }
});

test('a status that an error of anybody else carries is no answer of the target', async () => {
  for (const extra of [{ statusCode: 403 }, { statusCode: 429, headers: undefined }, { status: 429, headers: asked }]) {
    const { pool, suspendedForMs } = setUp();
    let attempts = 0;
    const result = pool.run({ target, method: 'POST' }, () => {
      attempts += 1;
      throw Object.assign(new Error('not found in a cache of their own'), extra);
    });
    await expect(result).rejects.toThrow('cache');
    expect([attempts, suspendedForMs()]).toEqual([1, undefined]);
    expect(pool.stats().endpoints.flatMap(({ errors }) => Object.keys(errors))).toEqual(['Error']);
  }
});

test('an error on the way through the body of a good answer is none', async () => {
  const { pool } = setUp();
  const error = Object.assign(new Error('cut'), { code: 'ECONNRESET', response: { statusCode: 200, headers: {} } });
  await expect(pool.run({ target, method: 'POST' }, () => Promise.reject(error))).rejects.toBe(error);
  expect(pool.stats().succeeded).toBe(0);
});

test('headers that throw when they are read cost nothing but what they said', async () => {
  const { pool } = setUp();
  const response = {
    status: 200,
    get headers(): object {
      throw new Error('torn');
    },
  };
  await pool.run({ target }, () => response);
  expect(pool.stats()).toMatchObject({ inFlight: 0, succeeded: 1 });
});

const refused = () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED', syscall: 'connect', port: 8080 });

/** As Node tells of a name that it could not resolve. */
const lookupError = (hostname: string, code = 'ENOTFOUND') =>
  Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, syscall: 'getaddrinfo', hostname });

/** As undici does of a connection that was never made. */
const connectTimeout = (addresses: string) =>
  Object.assign(new Error(`Connect Timeout Error (attempted ${addresses}, timeout: 10000ms)`), {
    code: 'UND_ERR_CONNECT_TIMEOUT',
  });

test.each([
  ['whose name is unknown', (name: string) => lookupError(name)],
  ['whose name nobody could look up', (name: string) => lookupError(name, 'EAI_AGAIN')],
  ['that undici never reached', (name: string) => connectTimeout(`address: ${name}:8080`)],
  [
    'that fetch never reached by any address',
    () => new TypeError('fetch failed', { cause: connectTimeout('addresses: 192.0.2.1:8080, [2001:db8::1]:8080') }),
  ],
])('a POST goes on to the next proxy after one %s', async (_, make) => {
  const { pool } = setUp();
  let attempts = 0;
  const result = await pool.run({ target, method: 'POST' }, ({ endpoint }) => {
    attempts += 1;
    if (attempts < 4) throw make(endpoint.url.host);
    return 'posted';
  });
  expect([result, attempts]).toEqual(['posted', 4]);
});

test('our own name server that does not answer is charged to no proxy', async () => {
  const { pool } = setUp();
  const verdicts: string[] = [];
  pool.on('settled', ({ verdict }) => verdicts.push(verdict));
  let attempts = 0;
  await pool.run({ target }, ({ endpoint }) => {
    attempts += 1;
    if (attempts > 2) return 'got';
    throw lookupError(endpoint.url.host, attempts === 1 ? 'EAI_AGAIN' : 'ENOTFOUND');
  });
  expect(verdicts).toEqual(['unclear', 'endpoint-fault', 'success']);
});

test.each([
  ['as it is', refused],
  ['as a cause, like fetch', () => new TypeError('fetch failed', { cause: refused() })],
  ['for every address', () => new AggregateError([refused(), refused()])],
  ['without a port', () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED', syscall: 'connect' })],
])('a dead proxy costs a POST nothing: a refused connection thrown %s', async (_, make) => {
  const { pool } = setUp();
  const dead = new Set(
    pool
      .stats()
      .endpoints.slice(0, 5)
      .map(({ id }) => id),
  );
  for (let turn = 0; turn < 50; turn += 1) {
    const result = await pool.run({ target, method: 'POST' }, ({ endpoint }) => {
      if (dead.has(endpoint.id)) throw make();
      return 'posted';
    });
    expect(result).toBe('posted');
  }
  const errors = Object.assign({}, ...pool.stats().endpoints.map((endpoint) => endpoint.errors)) as object;
  expect(Object.keys(errors)).toEqual(['ECONNREFUSED']);
});

test('a refused connection to something else, or one of several, is not the proxy refusing', async () => {
  for (const make of [
    () => Object.assign(refused(), { port: 5432 }),
    () => new AggregateError([refused(), new Error('reset')]),
    () => lookupError('database.internal'),
    () => connectTimeout('address: shop.example:443'),
    () => connectTimeout('addresses: 192.0.2.1:8080, 192.0.2.1:443'),
    () => Object.assign(new Error('no words'), { code: 'UND_ERR_CONNECT_TIMEOUT' }),
    () => Object.assign(new Error('reset'), { code: 'ECONNRESET', syscall: 'read' }),
  ]) {
    const { pool } = setUp();
    let attempts = 0;
    const result = pool.run({ target, method: 'POST' }, () => {
      attempts += 1;
      throw make();
    });
    await expect(result).rejects.toThrow();
    expect(attempts).toBe(1);
  }
});

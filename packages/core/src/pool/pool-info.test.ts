import { expect, test } from 'vitest';
import { createPool, notePoolInfo, poolInfo } from '../index.js';

const PROXIES = ['http://user:secret@10.0.0.1:8000', 'http://user:secret@10.0.0.2:8000'];
const target = 'https://shop.example/';

test('an answer tells who carried it, and of what was tried before', async () => {
  const pool = createPool({ proxies: PROXIES });
  const run = pool.begin({ target, session: 'cart' });
  const first = await run.next();
  run.report(first, {
    kind: 'failure',
    phase: 'proxy-connect',
    code: 'PROXY_CONNECT',
    elapsedMs: 1,
    sent: 'nothing',
    fault: 'endpoint',
  });
  const second = await run.next();
  const answer = {};
  notePoolInfo(answer, run, second);
  expect(poolInfo(answer)?.latencyMs).toBeUndefined();
  run.report(second, { kind: 'response', status: 200, latencyMs: 7 });
  expect(poolInfo(answer)).toMatchObject({
    endpoint: second.endpoint.id,
    tried: [first.endpoint.id, second.endpoint.id],
    session: 'cart',
    attempts: 1,
    reroutes: 1,
    latencyMs: 7,
    exitChanged: true,
  });
  expect(poolInfo({})).toBeUndefined();
});

test('an endpoint to avoid is left alone while another can serve, and serves when none can', () => {
  const pool = createPool({ proxies: PROXIES });
  const [one, two] = pool.stats().endpoints.map(({ id }) => id) as [never, never];
  for (let turn = 0; turn < 10; turn += 1) {
    const lease = pool.tryAcquire({ target, avoid: [one] })!;
    expect(lease.endpoint.id).toBe(two);
    lease.settle({ kind: 'response', status: 200, latencyMs: 1 });
  }
  expect(pool.tryAcquire({ target, avoid: [one, two] })).toBeDefined();
});

test('asking whether an answer would be repeated changes nothing', async () => {
  const pool = createPool({ proxies: PROXIES });
  const run = pool.begin({ target });
  const lease = await run.next();
  expect(run.mayRepeat({ kind: 'response', status: 502, latencyMs: 1 })).toBe(true);
  expect(run.mayRepeat({ kind: 'response', status: 200, latencyMs: 1 })).toBe(false);
  expect(lease.settled).toBe(false);
  expect(pool.stats()).toMatchObject({ attempts: 0, inFlight: 1 });
});

test('a pool that closes says so', async () => {
  const pool = createPool();
  let heard = 0;
  pool.on('closed', () => (heard += 1));
  await pool.close();
  await pool.close();
  expect(heard).toBe(1);
});

import { expect, test } from 'vitest';
import { manualClock } from '../testing/manual-clock.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';
const failure = (code: string) =>
  ({ kind: 'failure', phase: 'proxy-handshake', code, elapsedMs: 1, sent: 'nothing', fault: 'endpoint' }) as const;

async function told(codes: readonly string[], hold: boolean): Promise<string[]> {
  const clock = manualClock();
  const pool = createPool({ proxies: Array.from({ length: 6 }, (_, index) => `http://p${index}:1`), clock });
  const heard: string[] = [];
  pool.on('pool-misconfigured', ({ code }) => heard.push(code));
  const ids = pool.stats().endpoints.map(({ id }) => id);
  const used = hold ? ids.slice(1) : ids;
  if (hold) pool.hold(ids[0]!);
  for (let turn = 0; turn < 30; turn += 1) {
    clock.advance(4_000_000);
    const lease = await pool.acquire({ target, endpoint: used[turn % used.length]! });
    lease.settle(failure(codes[turn % codes.length]!));
  }
  return heard;
}

test('an endpoint that is held is not waited for', async () => {
  expect(await told(['PROXY_AUTH'], true)).toEqual(['PROXY_AUTH']);
});

test('a failure of another kind now and then hides nothing', async () => {
  const codes = ['PROXY_AUTH', 'PROXY_AUTH', 'PROXY_AUTH', 'PROXY_AUTH', 'ETIMEDOUT'];
  expect(await told(codes, false)).toEqual(['PROXY_AUTH']);
});

test('endpoints that fail in several ways tell of no mistake', async () => {
  expect(await told(['PROXY_AUTH', 'ETIMEDOUT'], false)).toEqual([]);
});

import { expect, test } from 'vitest';
import { createPool } from '../pool/pool.js';
import { systemClock } from './clock.js';

const target = 'https://shop.example/';

/** Timers that keep this process alive, besides those of the test runner. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
}

test('a wait keeps the process alive, and so does a run; both let go of it at their end', async () => {
  const before = timers();
  const pool = createPool({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }] });
  const lease = await pool.acquire({ target });
  expect(timers() - before).toBe(0);
  const waiting = pool.acquire({ target });
  expect(timers() - before).toBe(1);
  lease.settle({ kind: 'response', status: 200, latencyMs: 1 });
  (await waiting)[Symbol.dispose]();
  expect(timers() - before).toBe(0);
  let during = -1;
  await pool.run({ target }, () => {
    during = timers() - before;
  });
  expect([during, timers() - before]).toEqual([1, 0]);
});

test('a closed pool keeps nothing alive', async () => {
  const before = timers();
  const pool = createPool({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }] });
  await pool.acquire({ target });
  const waiting = pool.acquire({ target }).catch((error: unknown) => error);
  await pool.close();
  expect(await waiting).toMatchObject({ code: 'POOL_CLOSED' });
  expect(timers() - before).toBe(0);
});

test('one of several that hold on lets go once, however often it says so', () => {
  const before = timers();
  const [one, other] = [systemClock.hold!(), systemClock.hold!()];
  one();
  one();
  expect(timers() - before).toBe(1);
  other();
  expect(timers() - before).toBe(0);
});
